"""Counts and measures traces, spans and assessments in each way that clients have, and
prints what it sees. It says the same of any server."""

import itertools
import json

import mlflow
from mlflow.entities import AssessmentError, AssessmentSource, Expectation, Feedback, Span, TraceInfo, TraceLocation, TraceState
from mlflow.entities.trace_metrics import AggregationType as A, MetricAggregation, MetricViewType as V
from mlflow.exceptions import MlflowException
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import ReadableSpan

client = mlflow.MlflowClient()
store = client._tracking_client.store
one, two = (client.create_experiment(name) for name in ("one", "two"))
START = 1767225600000  # 2026-01-01, in milliseconds


def put_trace(i, experiment=one, name="ask", tokens=None, session=None, state=TraceState.OK, **tags):
    metadata = {"mlflow.trace.session": session} if session else {}
    if tokens is not None:
        metadata["mlflow.trace.tokenUsage"] = tokens if isinstance(tokens, str) else json.dumps(tokens)
    store.start_trace(TraceInfo(
        trace_id=f"tr-{i:032x}", trace_location=TraceLocation.from_experiment_id(experiment), request_time=START + i * 45_000,
        execution_duration=i * i * 10, state=state, trace_metadata=metadata, tags={"mlflow.traceName": name, **tags} if name else tags,
    ))


def put_span(i, n, name="call", kind="LLM", status=otel.StatusCode.OK, ms=5, **attributes):
    context = lambda n: otel.SpanContext(i, n, False, otel.TraceFlags(1))
    values = {"mlflow.traceRequestId": f"tr-{i:032x}", "mlflow.spanType": kind} | {k.replace("_", "."): v for k, v in attributes.items()}
    start = (START + i * 45_000 + n) * 1_000_000
    store.log_spans(one, [Span(ReadableSpan(
        name=name, context=context(n), parent=context(1) if n > 1 else None, start_time=start, end_time=start + ms * 1_000_000 + 999_999,
        attributes={k: json.dumps(v) for k, v in values.items()}, status=otel.Status(status), resource=None,
    ))])


# Spans first, as clients send them, for they tell of a trace what is not known of it yet.
for i in range(1, 5):
    put_span(i, 1, name="root", kind="CHAIN", ms=40 * i, status=otel.StatusCode.ERROR if i == 3 else otel.StatusCode.OK)
    put_span(i, 2, ms=i, mlflow_llm_model="gpt", mlflow_llm_provider="openai", mlflow_llm_cost={"input_cost": 0.25 * i, "output_cost": 0.5, "total_cost": 0.25 * i + 0.5})
    put_span(i, 3, ms=3 * i, mlflow_llm_model="x" * 600, mlflow_llm_cost={"input_cost": 2})
put_trace(1, tokens={"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}, session="s1", env="a")
put_trace(2, tokens={"input_tokens": 30, "output_tokens": "7", "total_tokens": 37, "cache_read_input_tokens": 3}, session="s1", env="b")
put_trace(3, name="grüßen", tokens={"input_tokens": 1.5, "total_tokens": 4}, session="s2", state=TraceState.ERROR)
put_trace(4, tokens="no JSON", session="s2")
put_trace(5, name=None, tokens={"input_tokens": 100})
put_trace(6, experiment=two, tokens={"input_tokens": 1000}, env="a")

# Numbers with a point, for those are what requests make of all.
judge = AssessmentSource(source_type="LLM_JUDGE", source_id="j")
for i, value in enumerate([True, False, "yes", " No ", 0.5, 3.0, "5", "ä", [1.0, "b"], True]):
    store.create_assessment(Feedback(trace_id=f"tr-{i % 4 + 1:032x}", name="quality" if i % 2 else "score", value=value, source=judge))
store.create_assessment(Feedback(trace_id=f"tr-{1:032x}", name="broken", error=AssessmentError("E", "it broke"), source=judge))
store.create_assessment(Expectation(trace_id=f"tr-{2:032x}", name="score", value=0.75, source=judge))
old = store.create_assessment(Feedback(trace_id=f"tr-{4:032x}", name="changed", value=1.0, source=judge))
store.create_assessment(Feedback(trace_id=f"tr-{4:032x}", name="changed", value=2.0, source=judge, overrides=old.assessment_id))

seen = []


def ask(view, metric, aggregations, experiments=(one,), **more):
    try:
        points = store.query_trace_metrics(experiment_ids=list(experiments), view_type=view, metric_name=metric, aggregations=aggregations, **more)
        answer = [[p.metric_name, p.dimensions, {k: round(v, 9) for k, v in p.values.items()}] for p in points]
    except MlflowException as e:
        answer = e.error_code
    seen.append([view, metric, str(sorted(more.items())), answer])


count = [MetricAggregation(A.COUNT)]
amounts = [MetricAggregation(a) for a in (A.AVG, A.MIN, A.MAX)] + [MetricAggregation(A.PERCENTILE, p) for p in (0.0, 12.5, 50.0, 99.9, 100.0)]
sums = [MetricAggregation(A.SUM), *amounts]
spans = ["span_name", "span_type", "span_status", "span_model_name", "span_model_provider"]
metrics = [
    (V.TRACES, "trace_count", count, ["trace_name", "trace_status"]), (V.TRACES, "session_count", count, []), (V.TRACES, "latency", amounts, ["trace_name"]),
    *[(V.TRACES, f"{k}_tokens", sums, ["trace_name"]) for k in ("input", "output", "total", "cache_read_input", "cache_creation_input")],
    (V.SPANS, "span_count", count, spans), (V.SPANS, "latency", amounts, ["span_name", "span_status"]),
    *[(V.SPANS, f"{k}_cost", sums, ["span_model_name", "span_model_provider"]) for k in ("input", "output", "total")],
    (V.ASSESSMENTS, "assessment_count", count, ["assessment_name", "assessment_value"]), (V.ASSESSMENTS, "assessment_value", amounts, ["assessment_name"]),
]
# From the second trace to the third: the bounds are included.
during = {"start_time_ms": START + 90_000, "end_time_ms": START + 135_000}
minutes = {"time_interval_seconds": 60, "start_time_ms": START, "end_time_ms": START + 3_600_000}
for (view, metric, aggregations, dimensions), n in itertools.product(metrics, range(3)):
    for some in itertools.combinations(dimensions, n):
        for when in ({}, during, minutes):
            ask(view, metric, aggregations, dimensions=list(some), **when)
for view, metric, aggregations, _ in metrics:
    for text in [
        "trace.status = 'OK'", "trace.tag.env = 'a'", "trace.tag.`mlflow.traceName` = 'ask'", "trace.metadata.`mlflow.trace.session` = 's1'",
        "span.name = 'call'", "span.type = 'CHAIN'", "span.status = 'ERROR'", "assessment.name = 'score'", "assessment.type = 'expectation'",
        "assessment.type = 'other'", "trace.status = 'NONE'",
    ]:
        ask(view, metric, aggregations, experiments=(one, two), filters=[text])
    ask(view, metric, aggregations, experiments=(two, "77"))
    ask(view, metric, aggregations, filters=["trace.status = 'OK'", "trace.tag.env = 'b'"])
ask(V.TRACES, "trace_count", count, dimensions=["trace_name"], max_results=1)
for text in [
    "trace.status != 'OK'", "trace.status = OK", "trace.status = 5", "trace.nope = 'x'", "trace.tag = 'x'", "trace.status.x = 'y'", "status = 'OK'", "other.x = 'y'",
    "trace.status = 'OK' AND trace.status = 'OK'", "", "trace.status LIKE 'O%'", "span.content = 'x'",
]:
    ask(V.TRACES, "trace_count", count, filters=[text])
ask(V.TRACES, "nope", count)
ask(V.TRACES, "trace_count", sums)
ask(V.TRACES, "latency", [MetricAggregation(A.SUM)])
ask(V.TRACES, "trace_count", count, dimensions=["span_name"])
ask(V.TRACES, "trace_count", count, time_interval_seconds=60)
print(json.dumps(seen))
