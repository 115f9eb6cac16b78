package netting

import (
	"container/heap"
	"math"
)

// network is a graph for circulations of least cost. Arcs come in pairs: arc i and its reverse i^1.
type network struct {
	leaving  [][]int // arcs by the node they leave
	to       []int
	residual []int64
	cost     []int64
}

func newNetwork(nodes int) *network { return &network{leaving: make([][]int, nodes)} }

// arc adds an arc and gives its number.
func (n *network) arc(from, to int, capacity, cost int64) int {
	i := len(n.to)
	n.to = append(n.to, to, from)
	n.residual = append(n.residual, capacity, 0)
	n.cost = append(n.cost, cost, -cost)
	n.leaving[from] = append(n.leaving[from], i)
	n.leaving[to] = append(n.leaving[to], i+1)
	return i
}

// flow is what runs through an arc.
func (n *network) flow(arc int) int64 { return n.residual[arc^1] }

// circulate finds a circulation of least cost (R. K. Ahuja, T. L. Magnanti, J. B. Orlin, Network Flows, 1993, section 9.8): arcs of negative cost are filled,
// which leaves some nodes with too much and others with too little, and the difference goes back along cheapest paths. The circulation of nothing exists, so
// everything can go back. All numbers are integers, and so is the result.
func (n *network) circulate() {
	nodes := len(n.leaving)
	excess := make([]int64, nodes)
	for from, arcs := range n.leaving {
		for _, i := range arcs {
			if n.cost[i] < 0 && n.residual[i] > 0 {
				excess[from] -= n.residual[i]
				excess[n.to[i]] += n.residual[i]
				n.residual[i^1] += n.residual[i]
				n.residual[i] = 0
			}
		}
	}
	source, sink := nodes, nodes+1
	n.leaving = append(n.leaving, nil, nil)
	for v, e := range excess {
		if e > 0 {
			n.arc(source, v, e, 0)
		} else if e < 0 {
			n.arc(v, sink, -e, 0)
		}
	}
	potential := make([]int64, nodes+2)
	for n.shorten(potential, source, sink) {
		for {
			level := n.levels(potential, source, sink)
			if level == nil {
				break
			}
			next := make([]int, len(n.leaving))
			for n.push(potential, level, next, source, sink, math.MaxInt64) > 0 {
			}
		}
	}
}

func (n *network) reduced(potential []int64, from, i int) int64 {
	return n.cost[i] + potential[from] - potential[n.to[i]]
}

// shorten raises the potentials by the distances from the source, capped at the sink's, so that cheapest paths cost nothing; false without a path. (Dijkstra.)
func (n *network) shorten(potential []int64, source, sink int) bool {
	distance := make([]int64, len(n.leaving))
	for v := range distance {
		distance[v] = math.MaxInt64
	}
	distance[source] = 0
	queue := reached{{source, 0}}
	for len(queue) > 0 {
		at := heap.Pop(&queue).(visit)
		if at.distance > distance[at.node] {
			continue
		}
		if at.node == sink {
			break
		}
		for _, i := range n.leaving[at.node] {
			if n.residual[i] == 0 {
				continue
			}
			if d := at.distance + n.reduced(potential, at.node, i); d < distance[n.to[i]] {
				distance[n.to[i]] = d
				heap.Push(&queue, visit{n.to[i], d})
			}
		}
	}
	if distance[sink] == math.MaxInt64 {
		return false
	}
	for v := range potential {
		potential[v] += min(distance[v], distance[sink])
	}
	return true
}

// levels counts arcs from the source along paths that cost nothing, or gives nil when none reaches the sink.
func (n *network) levels(potential []int64, source, sink int) []int {
	level := make([]int, len(n.leaving))
	for v := range level {
		level[v] = -1
	}
	level[source] = 0
	for queue := []int{source}; len(queue) > 0; queue = queue[1:] {
		v := queue[0]
		for _, i := range n.leaving[v] {
			if n.residual[i] > 0 && level[n.to[i]] < 0 && n.reduced(potential, v, i) == 0 {
				level[n.to[i]] = level[v] + 1
				queue = append(queue, n.to[i])
			}
		}
	}
	if level[sink] < 0 {
		return nil
	}
	return level
}

// push sends along one path from level to level and gives how much; next remembers arcs that lead nowhere.
func (n *network) push(potential []int64, level, next []int, v, sink int, most int64) int64 {
	if v == sink {
		return most
	}
	for ; next[v] < len(n.leaving[v]); next[v]++ {
		i := n.leaving[v][next[v]]
		if n.residual[i] == 0 || level[n.to[i]] != level[v]+1 || n.reduced(potential, v, i) != 0 {
			continue
		}
		if sent := n.push(potential, level, next, n.to[i], sink, min(most, n.residual[i])); sent > 0 {
			n.residual[i] -= sent
			n.residual[i^1] += sent
			return sent
		}
	}
	return 0
}

// visit is a node that a search has reached; of equal distances the lower number comes first.
type visit struct {
	node     int
	distance int64
}

type reached []visit

// Len is heap's.
func (r reached) Len() int { return len(r) }

// Less is heap's.
func (r reached) Less(i, j int) bool {
	return r[i].distance < r[j].distance || r[i].distance == r[j].distance && r[i].node < r[j].node
}

// Swap is heap's.
func (r reached) Swap(i, j int) { r[i], r[j] = r[j], r[i] }

// Push is heap's.
func (r *reached) Push(v any) { *r = append(*r, v.(visit)) }

// Pop is heap's.
func (r *reached) Pop() any {
	last := (*r)[len(*r)-1]
	*r = (*r)[:len(*r)-1]
	return last
}
