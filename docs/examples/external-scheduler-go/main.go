// A scheduler behind a pipe: first in, first out; who does not fit blocks the pools it may use. docs/external.md has the protocol.
//
//	go build -o scheduler main.go && npx simsup run --policy-program ./scheduler
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
)

const wholeGPU = 7000 // in the units of free

type task struct {
	Task int `json:"task"`
	Gpus int `json:"gpus"`
}

type job struct {
	Job       int     `json:"job"`
	Status    string  `json:"status"`
	SubmitUs  float64 `json:"submitUs"`
	Pools     []int   `json:"pools"`
	Share     float64 `json:"share"`
	CPUMilli  float64 `json:"cpuMilli"`
	MemoryMiB float64 `json:"memoryMiB"`
	Tasks     []task  `json:"tasks"`
}

type node struct {
	Node      int      `json:"node"`
	Pool      int      `json:"pool"`
	State     string   `json:"state"`
	Free      []int    `json:"free"`
	CPUMilli  *float64 `json:"cpuMilli"` // nil: no limit
	MemoryMiB *float64 `json:"memoryMiB"`
}

type question struct {
	Type  string `json:"type"`
	Jobs  []job  `json:"jobs"`
	Nodes []node `json:"nodes"`
}

type placement struct {
	Task int   `json:"task"`
	Node int   `json:"node"`
	Gpus []int `json:"gpus"`
}

type action struct {
	Kind   string      `json:"kind"`
	Job    int         `json:"job"`
	Tasks  []placement `json:"tasks,omitempty"`
	Reason string      `json:"reason"`
}

func enough(has *float64, asked float64) bool { return has == nil || *has >= asked }

func less(has *float64, by float64) *float64 {
	if has == nil {
		return nil
	}
	left := *has - by
	return &left
}

// The GPUs a worker would take, lowest first, the fullest before the emptiest; nil if it does not fit.
func pick(j job, t task, n node) []int {
	if n.State != "ready" || !enough(n.CPUMilli, j.CPUMilli) || !enough(n.MemoryMiB, j.MemoryMiB) {
		return nil
	}
	part := int(math.Round(wholeGPU * j.Share))
	gpus := []int{}
	for gpu, free := range n.Free {
		if free >= part {
			gpus = append(gpus, gpu)
		}
	}
	if len(gpus) < t.Gpus {
		return nil
	}
	sort.SliceStable(gpus, func(a, b int) bool { return n.Free[gpus[a]] < n.Free[gpus[b]] })
	gpus = gpus[:t.Gpus]
	sort.Ints(gpus)
	return gpus
}

func wholeFree(n node) int {
	count := 0
	for _, free := range n.Free {
		if free == wholeGPU {
			count++
		}
	}
	return count
}

// The whole gang in one pool that is not blocked, or nothing; each worker on the fullest node that has room.
func place(j job, blocked map[int]bool, nodes []node, poolOf map[int]int) []placement {
	for _, pool := range j.Pools {
		if blocked[pool] {
			continue
		}
		trial := append([]node{}, nodes...)
		tasks := append([]task{}, j.Tasks...)
		sort.SliceStable(tasks, func(a, b int) bool { return tasks[a].Gpus > tasks[b].Gpus })
		placed := []placement{}
		for _, t := range tasks {
			best := -1
			var gpus []int
			for i, n := range trial {
				if poolOf[n.Node] != pool || (best >= 0 && wholeFree(n) >= wholeFree(trial[best])) {
					continue
				}
				if own := pick(j, t, n); own != nil {
					best, gpus = i, own
				}
			}
			if best < 0 {
				break
			}
			n := trial[best]
			n.Free = append([]int{}, n.Free...)
			for _, gpu := range gpus {
				n.Free[gpu] -= int(math.Round(wholeGPU * j.Share))
			}
			n.CPUMilli, n.MemoryMiB = less(n.CPUMilli, j.CPUMilli), less(n.MemoryMiB, j.MemoryMiB)
			trial[best] = n
			placed = append(placed, placement{t.Task, n.Node, gpus})
		}
		if len(placed) == len(j.Tasks) {
			copy(nodes, trial)
			return placed
		}
	}
	return nil
}

func decide(q question, poolOf map[int]int) []action {
	sort.SliceStable(q.Jobs, func(a, b int) bool { return q.Jobs[a].SubmitUs < q.Jobs[b].SubmitUs })
	actions := []action{}
	blocked := map[int]bool{} // pools for which somebody in front waits
	for _, j := range q.Jobs {
		if j.Status != "pending" {
			continue
		}
		tasks := place(j, blocked, q.Nodes, poolOf)
		if tasks == nil {
			for _, pool := range j.Pools {
				blocked[pool] = true
			}
			actions = append(actions, action{"wait", j.Job, nil, "head of the line, and no room"})
			continue
		}
		actions = append(actions, action{"place", j.Job, tasks, "first come"})
	}
	return actions
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout) // an answer a line
	poolOf := map[int]int{}
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return // the simulation is over
		}
		var q question
		if err := json.Unmarshal(line, &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var answer any = map[string]int{"protocol": 1}
		if q.Type == "hello" {
			for _, n := range q.Nodes {
				poolOf[n.Node] = n.Pool
			}
		} else {
			answer = map[string]any{"actions": decide(q, poolOf)}
		}
		if err := out.Encode(answer); err != nil {
			return
		}
	}
}
