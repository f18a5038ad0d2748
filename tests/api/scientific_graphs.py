"""Shapes of scientific workflows, as collections of recorded ones have them, in any size.

Each gives its jobs: a name, and the jobs whose files it reads. Names have what real ones have:
dots, dashes, blanks, quotes, letters of many scripts.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Job(NamedTuple):
    """One job, with the names of those it waits for."""

    name: str
    parents: list[str]


Shape = Callable[[int], Iterator[Job]]


def montage(count: int) -> Iterator[Job]:
    """Images are projected, overlapping pairs compared, all fitted, corrected and added up."""
    width = max(2, count // 4)
    images = [f"mProject_ID{number:07d}" for number in range(width)]
    yield from (Job(name, []) for name in images)
    pairs = [f"mDiffFit-{number}.{number + 1}" for number in range(width - 1)]
    pairs += [f"mDiffFit-{number}.{number + 2}" for number in range(width - 2)]
    for name in pairs:
        left, _, right = name.removeprefix("mDiffFit-").partition(".")
        yield Job(name, [images[int(left)], images[int(right)]])
    yield Job("mConcatFit", pairs)
    yield Job("mBgModel", ["mConcatFit"])
    corrected = [f"mBackground {number}" for number in range(width)]
    for name, image in zip(corrected, images, strict=True):
        yield Job(name, [image, "mBgModel"])
    yield Job("mImgtbl", corrected)
    yield Job("mAdd", ["mImgtbl", *corrected])
    yield Job("mViewer", ["mAdd"])


def epigenomics(count: int) -> Iterator[Job]:
    """Lanes of reads are split, each part goes through a pipeline, and the parts are merged."""
    steps = ("filterContams", "sol2sanger", "fastq2bfq", "map")
    lanes, merged = 7, list[str]()
    parts = max(1, count // (lanes * len(steps)))
    for lane in range(lanes):
        split = f"fastqSplit.lane-{lane}"
        yield Job(split, [])
        ends = list[str]()
        for part in range(parts):
            before = split
            for step in steps:
                name = f"{step}.lane-{lane}.part-{part}"
                yield Job(name, [before])
                before = name
            ends.append(before)
        yield Job(f"mapMerge.lane-{lane}", ends)
        merged.append(f"mapMerge.lane-{lane}")
    yield Job("mapMerge", merged)
    yield Job("maqIndex", ["mapMerge"])
    yield Job("pileup", ["maqIndex"])


def genomes(count: int) -> Iterator[Job]:
    """Chromosomes are read in parts, sifted, and crossed with populations."""
    populations = ("ALL", "AFR", "AMR", "EAS", "EUR", "GBR", "SAS")
    chromosomes = 22
    parts = max(1, count // chromosomes - 2 * len(populations) - 2)
    for number in range(1, chromosomes + 1):
        read = [f"individuals хромосома {number}/{part}" for part in range(parts)]
        yield from (Job(name, []) for name in read)
        yield Job(f"individuals_merge {number}", read)
        yield Job(f"sifting {number}", [])
        sources = [f"individuals_merge {number}", f"sifting {number}"]
        for population in populations:
            yield Job(f"mutation_overlap {number}.{population}", sources)
            yield Job(f"frequency {number}.{population}", sources)


def cybershake(count: int) -> Iterator[Job]:
    """Two strain tensors, seismograms of each rupture, their peaks, and two archives."""
    width = max(1, (count - 4) // 2)
    tensors = ["ExtractSGT [x]", "ExtractSGT [y]"]
    yield from (Job(name, []) for name in tensors)
    grams = [f"SeismogramSynthesis:{number}" for number in range(width)]
    peaks = [f"PeakValCalcOkaya:{number}" for number in range(width)]
    for number, (gram, peak) in enumerate(zip(grams, peaks, strict=True)):
        yield Job(gram, [tensors[number % 2]])
        yield Job(peak, [gram])
    yield Job("ZipSeis", grams)
    yield Job("ZipPSA", peaks)


def sra_search(count: int) -> Iterator[Job]:
    """Each archive is dumped and aligned against one index, and all are merged in a tree."""
    width = max(2, count // 3)
    yield Job("bowtie2-build", [])
    level = list[str]()
    for number in range(width):
        archive = f"fasterq-dump SRR{number:08d}"
        yield Job(archive, [])
        yield Job(f"bowtie2 SRR{number:08d}", [archive, "bowtie2-build"])
        level.append(f"bowtie2 SRR{number:08d}")
    depth = 0
    while len(level) > 1:
        groups = [level[at : at + 25] for at in range(0, len(level), 25)]
        names = [f"merge {depth}.{number} 🧬" for number in range(len(groups))]
        for name, group in zip(names, groups, strict=True):
            yield Job(name, group)
        level, depth = names, depth + 1


def seismology(count: int) -> Iterator[Job]:
    """Pairs of stations, deconvolved each alone, and one job that sifts them all."""
    pairs = [f"sG1IterDecon_station'{number}\"" for number in range(max(1, count - 1))]
    yield from (Job(name, []) for name in pairs)
    yield Job("wrapper_siftSTFByMisfit", pairs)


SHAPES: dict[str, Shape] = {
    "montage": montage,
    "epigenomics": epigenomics,
    "genomes": genomes,
    "cybershake": cybershake,
    "sra_search": sra_search,
    "seismology": seismology,
}


def document_of(name: str, count: int, task_type: str) -> tuple[dict[str, Any], dict[str, Job]]:
    """Make a definition of about so many jobs, in an order of chance; gives its jobs by name too.

    Each job is given its name and, as files would be, the outputs of the jobs before it.
    """
    jobs = list(SHAPES[name](count))
    random.Random(count).shuffle(jobs)
    tasks = [
        {
            "id": job.name,
            "task_type": task_type,
            "parameters": {"job": job.name, "files": [_output(each) for each in job.parents]},
            "depends_on": job.parents,
        }
        for job in jobs
    ]
    return {"id": name, "version": "1.4", "tasks": tasks}, {job.name: job for job in jobs}


def _output(name: str) -> str:
    quote = "'" if '"' in name else '"'
    written = name.replace("'", "\\'") if quote == "'" else name
    return f"${{output[{quote}{written}{quote}]}}"


def longest_paths(jobs: dict[str, Job]) -> dict[str, int]:
    """Tell for each job how many jobs the longest way to it has."""
    found: dict[str, int] = {}
    waiting = list(jobs)
    while waiting:
        name = waiting[-1]
        missing = [each for each in jobs[name].parents if each not in found]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        found[name] = 1 + max((found[each] for each in jobs[name].parents), default=0)
    return found
