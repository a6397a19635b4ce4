"""How much of the machine others took while a job ran: its busy CPU time without that of the job and the servers."""

import os
import resource

TICKS = os.sysconf("SC_CLK_TCK")


def busy():
    """CPU seconds since the start of the machine, those stolen by its host included."""
    with open("/proc/stat") as lines:
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, next(lines).split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def stat(pid):
    """The parent of a process, its own CPU seconds, and those of its children that have ended."""
    try:
        with open(f"/proc/{pid}/stat") as line:
            fields = line.read().rpartition(")")[2].split()
    except OSError:
        return 0, 0.0, 0.0
    user, system, children_user, children_system = map(int, fields[11:15])
    return int(fields[1]), (user + system) / TICKS, (children_user + children_system) / TICKS


def servers():
    pids = []
    for file in ("postgresql/postmaster.pid", "mariadb/pid"):
        try:
            with open(os.path.join(os.environ["BENCH_RUN"], file)) as lines:
                pids.append(int(next(lines)))
        except (OSError, StopIteration):
            pass
    return pids


def ours():
    """CPU seconds of this process, its children, the servers and their processes."""
    total = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    parents = servers()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        parent, own, children = stat(pid)
        if int(pid) in parents:
            total += own + children
        elif parent in parents:
            total += own
    return total


class Others:
    """`share`: the part of all CPUs that others took between the creation and the call."""

    def __init__(self, clock):
        self.clock, self.begun, self.busy, self.ours = clock, clock(), busy(), ours()

    def share(self):
        seconds = (self.clock() - self.begun) * os.cpu_count()
        taken = (busy() - self.busy) - (ours() - self.ours)
        return min(1.0, max(0.0, taken / seconds))
