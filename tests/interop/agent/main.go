// What the CloudWatch Agent measures of a host, by the plugins that it is built from: a peer of the tests of `procfs`.
//
// It measures once for each line on standard input, and writes a line for each value, `name{dimensions}` and the value behind a tab,
// and then an empty line. HOST_PROC says where /proc is. Its arguments are network interfaces; without, those that are up are measured.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/influxdata/telegraf"
	"github.com/influxdata/telegraf/plugins/inputs"
	"github.com/influxdata/telegraf/plugins/inputs/cpu"
	_ "github.com/influxdata/telegraf/plugins/inputs/disk"
	_ "github.com/influxdata/telegraf/plugins/inputs/diskio"
	_ "github.com/influxdata/telegraf/plugins/inputs/mem"
	"github.com/influxdata/telegraf/plugins/inputs/net"
	_ "github.com/influxdata/telegraf/plugins/inputs/processes"
	_ "github.com/influxdata/telegraf/plugins/inputs/swap"
)

// What the Agent makes of its section `measurement` for each plugin is a choice of these.
var plugins = []string{"cpu", "disk", "diskio", "mem", "net", "netstat", "processes", "swap"}

func main() {
	var made []telegraf.Input
	for _, name := range plugins {
		plugin := inputs.Inputs[name]()
		switch plugin := plugin.(type) {
		case *cpu.CPUStats:
			plugin.PerCPU, plugin.TotalCPU, plugin.CollectCPUTime, plugin.ReportActive = true, true, true, true
		case *net.NetIOStats:
			plugin.Interfaces = os.Args[1:]
			plugin.IgnoreProtocolStats = true
		}
		if starts, ok := plugin.(telegraf.Initializer); ok {
			if err := starts.Init(); err != nil {
				log.Fatalf("%s: %v", name, err)
			}
		}
		made = append(made, plugin)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		for at, plugin := range made {
			if err := plugin.Gather(writer{}); err != nil {
				log.Fatalf("%s: %v", plugins[at], err)
			}
		}
		fmt.Println()
	}
}

// writer writes what a plugin says.
type writer struct{}

func (writer) write(plugin string, fields map[string]interface{}, tags map[string]string) {
	delete(tags, "mode") // the Agent's `tagexclude`
	dimensions := make([]string, 0, len(tags))
	for name, value := range tags {
		dimensions = append(dimensions, name+"="+value)
	}
	sort.Strings(dimensions)
	for name, value := range fields {
		fmt.Printf("%s_%s{%s}\t%v\n", plugin, name, strings.Join(dimensions, ","), value)
	}
}

func (w writer) AddFields(plugin string, fields map[string]interface{}, tags map[string]string, _ ...time.Time) {
	w.write(plugin, fields, tags)
}

func (w writer) AddGauge(plugin string, fields map[string]interface{}, tags map[string]string, _ ...time.Time) {
	w.write(plugin, fields, tags)
}

func (w writer) AddCounter(plugin string, fields map[string]interface{}, tags map[string]string, _ ...time.Time) {
	w.write(plugin, fields, tags)
}

// No plugin of a host makes these.
func (writer) AddSummary(string, map[string]interface{}, map[string]string, ...time.Time)   {}
func (writer) AddHistogram(string, map[string]interface{}, map[string]string, ...time.Time) {}
func (writer) AddMetric(telegraf.Metric)                                                    {}
func (writer) SetPrecision(time.Duration)                                                   {}
func (writer) AddError(err error)                                                           { log.Print(err) }
func (writer) WithTracking(int) telegraf.TrackingAccumulator                                { return nil }
