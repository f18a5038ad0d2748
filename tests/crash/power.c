/* Keeps what a power cut would take: loaded into an engine process by LD_PRELOAD.
 *
 * Before each write to a file of the store its old bytes go to a journal, and each sync leaves a mark
 * that says how far the journal had come when the sync began. `power.py` undoes writes that no mark
 * covers. Only system calls are made here, so that nothing calls itself. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITTEN = 1, SYNCED = 2, CUT_SHORT = 3 };

struct head {
    uint64_t kind, inode, offset, size_before, new_count, old_count;
};

static int journal = -1;

__attribute__((constructor)) static void open_journal(void) {
    const char *path = getenv("PYFLOW_CRASH_JOURNAL");
    if (path != NULL)
        journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The link of the system to an open file. */
static void link_to(int fd, char link[64]) {
    char digits[16];
    int count = 0;
    for (int rest = fd; rest > 0 || count == 0; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    strcpy(link, "/proc/self/fd/");
    char *end = link + strlen(link);
    while (count > 0)
        *end++ = digits[--count];
    *end = 0;
}

/* Whether the file is one of the store: its inode and size, or 0. */
static int is_of_store(int fd, struct stat *found) {
    char link[64], path[4096];
    const char *store = getenv("PYFLOW_CRASH_STORE");
    if (journal < 0 || store == NULL || fd < 0)
        return 0;
    link_to(fd, link);
    long size = syscall(SYS_readlink, link, path, sizeof path - 1);
    if (size <= 0)
        return 0;
    path[size] = 0;
    size_t prefix = strlen(store);
    if (strncmp(path, store, prefix) != 0)
        return 0;
    const char *rest = path + prefix;
    if (strcmp(rest, "") && strcmp(rest, "-wal") && strcmp(rest, "-read.db") && strcmp(rest, "-read.db-wal"))
        return 0;
    return fstat(fd, found) == 0;
}

static void note(struct head head, const void *new, const void *old) {
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)new, head.new_count}, {(void *)old, head.old_count}};
    if (syscall(SYS_writev, journal, parts, 3) < 0)
        abort();
}

/* Reads what is there before a write. Only one that cannot read is opened again: a second descriptor of a file
 * ends the locks that SQLite has on it when it is closed. */
static long read_old(int fd, void *old, size_t size, off_t offset) {
    long found = syscall(SYS_pread64, fd, old, size, offset);
    if (found >= 0)
        return found;
    char link[64];
    link_to(fd, link);
    int reader = (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
    long have = reader < 0 ? -1 : syscall(SYS_pread64, reader, old, size, offset);
    if (have < 0)
        abort();
    syscall(SYS_close, reader);
    return have;
}

static void note_write(int fd, const void *data, size_t size, off_t offset) {
    struct stat file;
    if (!is_of_store(fd, &file))
        return;
    char *old = malloc(size ? size : 1);
    long have = read_old(fd, old, size, offset);
    note((struct head){WRITTEN, file.st_ino, (uint64_t)offset, (uint64_t)file.st_size, size, (uint64_t)have}, data, old);
    free(old);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    note_write(fd, data, size, offset);
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return pwrite64(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size) {
    if (journal >= 0 && fd > 2)
        note_write(fd, data, size, syscall(SYS_lseek, fd, 0, SEEK_CUR));
    return syscall(SYS_write, fd, data, size);
}

int ftruncate64(int fd, off64_t size) {
    struct stat file;
    if (is_of_store(fd, &file)) {
        size_t gone = file.st_size > size ? (size_t)(file.st_size - size) : 0;
        char *old = malloc(gone ? gone : 1);
        long have = read_old(fd, old, gone, size);
        note((struct head){CUT_SHORT, file.st_ino, (uint64_t)size, (uint64_t)file.st_size, 0, (uint64_t)have}, "", old);
        free(old);
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size) {
    return ftruncate64(fd, size);
}

static int synced(int fd, long call) {
    struct stat file;
    int known = is_of_store(fd, &file);
    uint64_t reached = known ? (uint64_t)syscall(SYS_lseek, journal, 0, SEEK_END) : 0;
    int answer = (int)syscall(call, fd);
    if (known && answer == 0)
        note((struct head){SYNCED, file.st_ino, reached, 0, 0, 0}, "", "");
    return answer;
}

int fsync(int fd) {
    return synced(fd, SYS_fsync);
}

int fdatasync(int fd) {
    return synced(fd, SYS_fdatasync);
}

/* The number of a file that is gone may be given to the next one, which has no part in its writes. */
int unlink(const char *path) {
    struct stat file;
    int fd = journal < 0 ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    int known = fd >= 0 && is_of_store(fd, &file);
    int answer = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (known && answer == 0) {
        uint64_t reached = (uint64_t)syscall(SYS_lseek, journal, 0, SEEK_END);
        note((struct head){SYNCED, file.st_ino, reached, 0, 0, 0}, "", "");
    }
    if (fd >= 0)
        syscall(SYS_close, fd);
    return answer;
}
