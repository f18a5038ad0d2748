/* Fails one call on the files of one directory, chosen by its number. It is preloaded into the process under test.
 *
 * Every call of the C library by which SQLite and the store reach a file is counted, in whatever thread it is made. The
 * store does all its input and output through these; locks and maps of memory are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IO_ERROR, NO_SPACE, TORN };

#define DESCRIPTOR_COUNT_MAX 4096
#define PATH_SIZE_MAX 4096

static char directory[PATH_SIZE_MAX];
static size_t directory_size;
static int fails_at;
static int kind;
static atomic_int count;
static char failed[PATH_SIZE_MAX];
/* Which descriptors are of files in the directory. */
static atomic_bool is_watched[DESCRIPTOR_COUNT_MAX];

/* Begins to count; the call with this number fails, from 1. With 0 none does. */
void failing_calls_arm(const char *path, int number, int wanted_kind) {
    snprintf(directory, sizeof directory, "%s", path);
    directory_size = strlen(directory);
    fails_at = number;
    kind = wanted_kind;
    atomic_store(&count, 0);
    failed[0] = 0;
}

/* All goes well from now on. */
void failing_calls_disarm(void) { directory_size = 0; }

int failing_calls_count(void) { return atomic_load(&count); }

/* The call that failed, and on what; empty if none has. */
const char *failing_calls_failed(void) { return failed; }

static int is_ours(const char *path) {
    return directory_size > 0 && path != NULL && strncmp(path, directory, directory_size) == 0;
}

static int is_open(int descriptor) {
    return directory_size > 0 && descriptor >= 0 && descriptor < DESCRIPTOR_COUNT_MAX &&
           atomic_load(&is_watched[descriptor]);
}

static int watch(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTOR_COUNT_MAX) atomic_store(&is_watched[descriptor], 1);
    return descriptor;
}

/* Counts a call; tells whether it is the one that fails. */
static int strikes(const char *call, const char *path, int descriptor) {
    if (atomic_fetch_add(&count, 1) + 1 != fails_at) return 0;
    char link[64];
    char name[PATH_SIZE_MAX / 2] = "";
    if (path == NULL) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t size = readlink(link, name, sizeof name - 1);
        name[size < 0 ? 0 : size] = 0;
        path = name;
    }
    const char *slash = strrchr(path, '/');
    snprintf(failed, sizeof failed, "%s of %.200s", call, slash == NULL ? path : slash + 1);
    return 1;
}

static int refuse(int takes_space) {
    errno = takes_space && kind != IO_ERROR ? ENOSPC : EIO;
    return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                          \
    int name(const char *path, int flags, ...) {                            \
        va_list more;                                                       \
        va_start(more, flags);                                              \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, int) : 0; \
        va_end(more);                                                       \
        if (!is_ours(path)) return REAL(name)(path, flags, mode);           \
        if (strikes(#name, path, -1)) return refuse(flags & O_CREAT);       \
        return watch(REAL(name)(path, flags, mode));                        \
    }
OPEN(open)
OPEN(open64)

int close(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTOR_COUNT_MAX) atomic_store(&is_watched[descriptor], 0);
    return REAL(close)(descriptor);
}

ssize_t read(int descriptor, void *buffer, size_t size) {
    if (is_open(descriptor) && strikes("read", NULL, descriptor)) return refuse(0);
    return REAL(read)(descriptor, buffer, size);
}

ssize_t write(int descriptor, const void *buffer, size_t size) {
    if (is_open(descriptor) && strikes("write", NULL, descriptor)) {
        if (kind == TORN) (void)!REAL(write)(descriptor, buffer, size / 2);
        return refuse(1);
    }
    return REAL(write)(descriptor, buffer, size);
}

#define PREAD(name, offset_type)                                                            \
    ssize_t name(int descriptor, void *buffer, size_t size, offset_type offset) {           \
        if (is_open(descriptor) && strikes(#name, NULL, descriptor)) return refuse(0);      \
        return REAL(name)(descriptor, buffer, size, offset);                                \
    }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

#define PWRITE(name, offset_type)                                                           \
    ssize_t name(int descriptor, const void *buffer, size_t size, offset_type offset) {     \
        if (is_open(descriptor) && strikes(#name, NULL, descriptor)) {                      \
            if (kind == TORN) (void)!REAL(name)(descriptor, buffer, size / 2, offset);      \
            return refuse(1);                                                               \
        }                                                                                   \
        return REAL(name)(descriptor, buffer, size, offset);                                \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define SYNC(name)                                                                     \
    int name(int descriptor) {                                                         \
        if (is_open(descriptor) && strikes(#name, NULL, descriptor)) return refuse(0); \
        return REAL(name)(descriptor);                                                 \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, offset_type)                                                    \
    int name(int descriptor, offset_type size) {                                       \
        if (is_open(descriptor) && strikes(#name, NULL, descriptor)) return refuse(1); \
        return REAL(name)(descriptor, size);                                           \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int unlink(const char *path) {
    if (is_ours(path) && strikes("unlink", path, -1)) return refuse(0);
    return REAL(unlink)(path);
}

int rename(const char *from, const char *to) {
    if (is_ours(to) && strikes("rename", to, -1)) return refuse(1);
    return REAL(rename)(from, to);
}

#define STAT(name, type)                                                  \
    int name(const char *path, struct type *found) {                      \
        if (is_ours(path) && strikes(#name, path, -1)) return refuse(0);  \
        return REAL(name)(path, found);                                   \
    }
STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)

#define FSTAT(name, type)                                                              \
    int name(int descriptor, struct type *found) {                                     \
        if (is_open(descriptor) && strikes(#name, NULL, descriptor)) return refuse(0); \
        return REAL(name)(descriptor, found);                                          \
    }
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

int statx(int descriptor, const char *path, int flags, unsigned int mask, struct statx *found) {
    /* Rust asks with no path at all whether there is such a call; its header promises that nobody does. */
    const char *volatile given = path;
    if (given == NULL) return REAL(statx)(descriptor, path, flags, mask, found);
    int is_of_descriptor = path[0] == 0;
    if (is_of_descriptor ? is_open(descriptor) : is_ours(path)) {
        if (strikes("statx", is_of_descriptor ? NULL : path, descriptor)) return refuse(0);
    }
    return REAL(statx)(descriptor, path, flags, mask, found);
}
