package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sync"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// notebook is a storage that writes down what it takes, and refuses what Prometheus's own refuses: samples that are not
// newer than the last of their series (tsdb/head_append.go, without a window for those out of order).
type notebook struct {
	mutex  sync.Mutex
	series []*series
	refs   map[string]storage.SeriesRef
	file   *os.File
	lines  *bufio.Writer
}

type series struct {
	labels map[string]string
	// The last sample that was committed.
	has      bool
	lastTime int64
	lastBits uint64
}

// sample is what OUT.jsonl has of one. Times are in milliseconds, values the bits of a double: JSON has no NaN.
type sample struct {
	series *series
	Labels map[string]string `json:"labels"`
	Time   int64             `json:"time"`
	Start  int64             `json:"start,omitempty"`
	Bits   string            `json:"bits,omitempty"`
	Native *native           `json:"native,omitempty"`
	Type   string            `json:"type"`
	Unit   string            `json:"unit"`
	bits   uint64
}

// native is a native histogram: counts by the index of the bucket.
type native struct {
	Schema        int32            `json:"schema"`
	ZeroThreshold float64          `json:"zero_threshold"`
	ZeroCount     uint64           `json:"zero_count"`
	Count         uint64           `json:"count"`
	Sum           string           `json:"sum"`
	Positive      map[int32]uint64 `json:"positive"`
	Negative      map[int32]uint64 `json:"negative"`
}

func newNotebook(path string) (*notebook, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &notebook{file: file, lines: bufio.NewWriter(file), refs: map[string]storage.SeriesRef{}}, nil
}

func (n *notebook) close() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.file.Close()
}

func (n *notebook) AppenderV2(context.Context) storage.AppenderV2 {
	return &page{notebook: n}
}

// page is what one scrape brings.
type page struct {
	notebook *notebook
	pending  []sample
}

func (p *page) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, options storage.AppendV2Options) (storage.SeriesRef, error) {
	p.notebook.mutex.Lock()
	defer p.notebook.mutex.Unlock()
	if ref == 0 {
		ref = p.notebook.refOf(ls)
	}
	series := p.notebook.series[ref-1]
	taken := sample{series: series, Labels: series.labels, Time: t, Start: st, Type: string(options.Metadata.Type), Unit: options.Metadata.Unit}
	switch {
	case h != nil:
		taken.Native = nativeOf(h)
	case fh != nil:
		return 0, fmt.Errorf("a histogram of floats, which no page of the test has: %v", ls)
	default:
		taken.bits = math.Float64bits(v)
		taken.Bits = bits(v)
	}
	if series.has && t < series.lastTime {
		return 0, storage.ErrOutOfOrderSample
	}
	if series.has && t == series.lastTime && taken.bits != series.lastBits {
		return 0, storage.ErrDuplicateSampleForTimestamp
	}
	p.pending = append(p.pending, taken)
	return ref, nil
}

// Commit writes down the samples that are newer than what is there, those of this very scrape too.
func (p *page) Commit() error {
	p.notebook.mutex.Lock()
	defer p.notebook.mutex.Unlock()
	kept := p.pending[:0]
	for _, taken := range p.pending {
		if taken.series.has && taken.Time <= taken.series.lastTime {
			continue
		}
		taken.series.has, taken.series.lastTime, taken.series.lastBits = true, taken.Time, taken.bits
		kept = append(kept, taken)
	}
	p.pending = nil
	if err := json.NewEncoder(p.notebook.lines).Encode(kept); err != nil {
		return err
	}
	return p.notebook.lines.Flush()
}

func (p *page) Rollback() error {
	p.pending = nil
	return nil
}

// refOf finds a series by its labels. Zero is no reference.
func (n *notebook) refOf(ls labels.Labels) storage.SeriesRef {
	key := ls.String()
	ref, known := n.refs[key]
	if !known {
		n.series = append(n.series, &series{labels: ls.Map()})
		ref = storage.SeriesRef(len(n.series))
		n.refs[key] = ref
	}
	return ref
}

func nativeOf(h *histogram.Histogram) *native {
	counted := func(buckets histogram.BucketIterator[uint64]) map[int32]uint64 {
		counts := map[int32]uint64{}
		for buckets.Next() {
			if bucket := buckets.At(); bucket.Count > 0 {
				counts[bucket.Index] = bucket.Count
			}
		}
		return counts
	}
	return &native{
		Schema:        h.Schema,
		ZeroThreshold: h.ZeroThreshold,
		ZeroCount:     h.ZeroCount,
		Count:         h.Count,
		Sum:           bits(h.Sum),
		Positive:      counted(h.PositiveBucketIterator()),
		Negative:      counted(h.NegativeBucketIterator()),
	}
}

func bits(v float64) string {
	return fmt.Sprintf("%016x", math.Float64bits(v))
}
