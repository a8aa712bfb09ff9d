"""A scheduler behind a pipe: first in, first out; who does not fit blocks the pools it may use. docs/external.md has the protocol.

    npx simsup run --policy-program "python3 external-scheduler.py"
"""
import json
import sys

GPU = 7000  # a whole GPU, in the units of `free`


def fits(job, task, node):
    """Whether a worker finds its GPUs, CPU and memory on a node as it is now."""
    if node["state"] != "ready":
        return False
    part = round(GPU * job["share"])
    if sum(free >= part for free in node["free"]) < task["gpus"]:
        return False
    # null is no limit.
    for asked, has in ((job["cpuMilli"], node["cpuMilli"]), (job["memoryMiB"], node["memoryMiB"])):
        if has is not None and has < asked:
            return False
    return True


def take(job, task, node):
    """Takes them: the fullest GPUs that have room for a share, the first free ones for whole GPUs."""
    part = round(GPU * job["share"])
    gpus = sorted((free, gpu) for gpu, free in enumerate(node["free"]) if free >= part)
    chosen = sorted(gpu for _, gpu in gpus[: task["gpus"]])
    for gpu in chosen:
        node["free"][gpu] -= part
    for what in ("cpuMilli", "memoryMiB"):
        if node[what] is not None:
            node[what] -= job[what]
    return chosen


def place(job, pools, nodes, pool_of):
    """The whole gang in one of the pools, or nothing; each worker on the fullest node that has room (best fit)."""
    for pool in pools:
        trial = {n["node"]: dict(n, free=list(n["free"])) for n in nodes if pool_of[n["node"]] == pool}
        placed = []
        for task in sorted(job["tasks"], key=lambda t: (-t["gpus"], t["task"])):
            room = [n for n in trial.values() if fits(job, task, n)]
            if not room:
                break
            node = min(room, key=lambda n: (sum(free == GPU for free in n["free"]), n["node"]))
            placed.append({"task": task["task"], "node": node["node"], "gpus": take(job, task, node)})
        if len(placed) == len(job["tasks"]):
            for node in nodes:
                node.update(trial.get(node["node"], {}))
            return placed
    return None


def decide(question, pool_of):
    actions = []
    blocked = set()  # pools for which somebody in front waits
    for job in sorted(question["jobs"], key=lambda j: (j["submitUs"], j["job"])):
        if job["status"] != "pending":
            continue
        pools = [pool for pool in job["pools"] if pool not in blocked]
        tasks = place(job, pools, question["nodes"], pool_of)
        if tasks is None:
            if pools:
                actions.append({"kind": "wait", "job": job["job"], "reason": "head of the line, and no room"})
            blocked.update(pools)
            continue
        actions.append({"kind": "place", "job": job["job"], "tasks": tasks, "reason": "first come"})
    return {"actions": actions}


def main():
    pool_of = {}
    for line in sys.stdin:
        question = json.loads(line)
        if question["type"] == "hello":
            pool_of = {node["node"]: node["pool"] for node in question["nodes"]}
            answer = {"protocol": 1}
        else:
            answer = decide(question, pool_of)
        print(json.dumps(answer), flush=True)


main()
