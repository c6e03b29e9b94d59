// An application that measures itself with the official OpenTelemetry SDK for Go, as a plan says.
//
//	app PLAN.json
//
// The plan names an endpoint, a protocol (grpc, http/protobuf), a temporality, instruments, and for each series what is
// recorded in each cycle; a cycle ends with one export. tests/e2e/sdks/plan.rs writes plans and explains them.
//
// Exit codes: 0 all was delivered, 1 an export was refused, 2 usage.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

// For one export with all its retries.
const exportTimeout = 10 * time.Second

type plan struct {
	Endpoint, Protocol, Temporality string
	Cycles                          int
	Instruments                     []instrument
}

type instrument struct {
	Name, Unit, Kind, Number string
	Series                   []series
}

type series struct {
	Attributes map[string]any
	Cycles     [][]float64
}

// now is the cycle that is under way.
var now int

// each calls use with every number of the cycle.
func (i instrument) each(use func(float64, metric.MeasurementOption)) {
	for _, series := range i.Series {
		set := metric.WithAttributeSet(attributes(series.Attributes))
		for _, number := range series.Cycles[now] {
			use(number, set)
		}
	}
}

func attributes(from map[string]any) attribute.Set {
	var all []attribute.KeyValue
	for key, value := range from {
		switch value := value.(type) {
		case string:
			all = append(all, attribute.String(key, value))
		case bool:
			all = append(all, attribute.Bool(key, value))
		case float64:
			if value == float64(int64(value)) {
				all = append(all, attribute.Int64(key, int64(value)))
			} else {
				all = append(all, attribute.Float64(key, value))
			}
		}
	}
	return attribute.NewSet(all...)
}

// create makes the instrument, and answers what records a cycle; nothing for what is observed.
func (i instrument) create(meter metric.Meter) (record func(context.Context), err error) {
	record = func(context.Context) {}
	unit := metric.WithUnit(i.Unit)
	observeInt := metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
		i.each(func(n float64, set metric.MeasurementOption) { o.Observe(int64(n), set) })
		return nil
	})
	observe := metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
		i.each(func(n float64, set metric.MeasurementOption) { o.Observe(n, set) })
		return nil
	})
	switch i.Kind + " " + i.Number {
	case "counter int":
		var made metric.Int64Counter
		made, err = meter.Int64Counter(i.Name, unit)
		record = func(ctx context.Context) {
			i.each(func(n float64, set metric.MeasurementOption) { made.Add(ctx, int64(n), set) })
		}
	case "counter double":
		var made metric.Float64Counter
		made, err = meter.Float64Counter(i.Name, unit)
		record = func(ctx context.Context) {
			i.each(func(n float64, set metric.MeasurementOption) { made.Add(ctx, n, set) })
		}
	case "up_down_counter int":
		var made metric.Int64UpDownCounter
		made, err = meter.Int64UpDownCounter(i.Name, unit)
		record = func(ctx context.Context) {
			i.each(func(n float64, set metric.MeasurementOption) { made.Add(ctx, int64(n), set) })
		}
	case "up_down_counter double":
		var made metric.Float64UpDownCounter
		made, err = meter.Float64UpDownCounter(i.Name, unit)
		record = func(ctx context.Context) {
			i.each(func(n float64, set metric.MeasurementOption) { made.Add(ctx, n, set) })
		}
	case "gauge int":
		var made metric.Int64Gauge
		made, err = meter.Int64Gauge(i.Name, unit)
		record = func(ctx context.Context) {
			i.each(func(n float64, set metric.MeasurementOption) { made.Record(ctx, int64(n), set) })
		}
	case "gauge double":
		var made metric.Float64Gauge
		made, err = meter.Float64Gauge(i.Name, unit)
		record = func(ctx context.Context) {
			i.each(func(n float64, set metric.MeasurementOption) { made.Record(ctx, n, set) })
		}
	case "histogram double", "exponential_histogram double":
		var made metric.Float64Histogram
		made, err = meter.Float64Histogram(i.Name, unit)
		record = func(ctx context.Context) {
			i.each(func(n float64, set metric.MeasurementOption) { made.Record(ctx, n, set) })
		}
	case "observable_counter int":
		_, err = meter.Int64ObservableCounter(i.Name, unit, observeInt)
	case "observable_counter double":
		_, err = meter.Float64ObservableCounter(i.Name, unit, observe)
	case "observable_up_down_counter int":
		_, err = meter.Int64ObservableUpDownCounter(i.Name, unit, observeInt)
	case "observable_gauge double":
		_, err = meter.Float64ObservableGauge(i.Name, unit, observe)
	default:
		err = fmt.Errorf("no instrument is %s of %s", i.Kind, i.Number)
	}
	return record, err
}

// temporality is the specification's delta preference: what goes up and down stays cumulative, or its level would be lost.
func (p plan) temporality(kind sdk.InstrumentKind) metricdata.Temporality {
	if p.Temporality == "delta" {
		switch kind {
		case sdk.InstrumentKindCounter, sdk.InstrumentKindObservableCounter, sdk.InstrumentKindHistogram:
			return metricdata.DeltaTemporality
		}
	}
	return metricdata.CumulativeTemporality
}

func (p plan) exporter(ctx context.Context) (sdk.Exporter, error) {
	if p.Protocol == "grpc" {
		return otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpoint(p.Endpoint), otlpmetricgrpc.WithInsecure(),
			otlpmetricgrpc.WithTimeout(exportTimeout), otlpmetricgrpc.WithTemporalitySelector(p.temporality))
	}
	return otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(p.Endpoint),
		otlpmetrichttp.WithTimeout(exportTimeout), otlpmetrichttp.WithTemporalitySelector(p.temporality))
}

func (p plan) run(ctx context.Context) error {
	exporter, err := p.exporter(ctx)
	if err != nil {
		return err
	}
	// A collection happens when the cycle asks for it, and at no other time.
	reader := sdk.NewPeriodicReader(exporter, sdk.WithInterval(24*time.Hour), sdk.WithTimeout(exportTimeout))
	options := []sdk.Option{
		sdk.WithReader(reader),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "interop"), attribute.Int("interop.shard", 3))),
	}
	for _, instrument := range p.Instruments {
		if instrument.Kind == "exponential_histogram" {
			aggregation := sdk.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}
			options = append(options, sdk.WithView(
				sdk.NewView(sdk.Instrument{Name: instrument.Name}, sdk.Stream{Aggregation: aggregation})))
		}
	}
	provider := sdk.NewMeterProvider(options...)
	meter := provider.Meter("weir.interop", metric.WithInstrumentationVersion("1.0.0"))
	var records []func(context.Context)
	for _, instrument := range p.Instruments {
		record, err := instrument.create(meter)
		if err != nil {
			return err
		}
		records = append(records, record)
	}
	for now = 0; now < p.Cycles; now++ {
		for _, record := range records {
			record(ctx)
		}
		if err := provider.ForceFlush(ctx); err != nil {
			return err
		}
	}
	// Not provider.Shutdown: it collects once more, which would send every cumulative point again.
	return exporter.Shutdown(ctx)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: app PLAN.json")
		os.Exit(2)
	}
	text, err := os.ReadFile(os.Args[1])
	var p plan
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err == nil {
		err = p.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
