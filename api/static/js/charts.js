// Trends: every panel of a chart has its own scale, all share one time axis, one zoom and the same events.
//
// <div data-chart="ID"> draws the JSON of <script type="application/json" id="ID">:
//   {"from": iso, "to": iso, "summary": "…one sentence for a screen reader…",
//    "panels": [{"title": "Blood pressure", "unit": "mmHg",
//                "series": [{"name": "Systolic", "points": [[iso, 132], …], "dots": false}],
//                "limits": [{"value": 180, "label": "Act now from 180"}],
//                "bands": [{"from": 90, "to": 140, "label": "Target"}]}],
//    "events": [{"at": iso, "label": "Dose changed"}]}
// Times are written in the clinic's zone ("2026-11-24T09:05:00-05:00"); the axis shows them as written, wherever the
// browser is.

const PANEL_PX = 176;
const HEAD_PX = 34; // the template reserves 210 px a panel and 64 px below, so nothing shifts when this draws
const MARKS = ["circle", "diamond", "triangle", "rect"];
const DASHES = ["solid", [6, 3], [2, 3], [8, 3, 2, 3]];
const wall = (iso) => Date.parse(`${iso.slice(0, 19)}Z`);

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
function palette() {
  const names = ["ink", "ink-2", "ink-3", "line", "line-strong", "surface", "accent", "warning-mark", "warning", "good-soft", "notice-mark", "good-mark"];
  return Object.fromEntries(names.map((name) => [name, colour(`--${name}`)]));
}
const top = (index) => index * (PANEL_PX + HEAD_PX) + HEAD_PX;

function option(data, ink) {
  const plain = { color: ink["ink-2"], fontFamily: "inherit", fontSize: 12 };
  const last = data.panels.length - 1;
  const lines = [ink.accent, ink["ink-2"], ink["notice-mark"], ink["good-mark"]];
  const quiet = { lineStyle: { color: ink["line-strong"], width: 1 }, areaStyle: { color: ink.line, opacity: 0.5 } };
  return {
    useUTC: true,
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    aria: { enabled: true, label: { enabled: true, description: data.summary } },
    title: data.panels.map((panel, index) => ({
      text: `${panel.title}, ${panel.unit}`, left: 0, top: top(index) - HEAD_PX + 4,
      textStyle: { ...plain, color: ink.ink, fontWeight: 600, fontSize: 13 },
    })),
    legend: data.panels.map((panel, index) => ({
      data: panel.series.map((series) => series.name), right: 8, top: top(index) - HEAD_PX, textStyle: plain,
      show: panel.series.length > 1, itemWidth: 22, itemHeight: 8, itemGap: 16, selectedMode: false,
    })),
    axisPointer: { link: [{ xAxisIndex: "all" }], lineStyle: { color: ink["line-strong"] } },
    tooltip: {
      trigger: "axis", confine: true, backgroundColor: ink.surface, borderColor: ink["line-strong"], textStyle: { ...plain, color: ink.ink },
    },
    grid: data.panels.map((_panel, index) => ({ left: 44, right: 12, top: top(index), height: PANEL_PX - 12 })),
    xAxis: data.panels.map((_panel, index) => ({
      type: "time", gridIndex: index, min: wall(data.from), max: wall(data.to), axisLine: { lineStyle: { color: ink["line-strong"] } },
      axisLabel: { ...plain, show: index === last, hideOverlap: true, formatter: { month: "{MMM}", year: "{yyyy}", day: "{MMM} {d}", hour: "{H}:{mm}" } },
      axisTick: { show: index === last }, splitLine: { show: false }, axisPointer: { label: { show: index === last } },
    })),
    yAxis: data.panels.map((panel, index) => ({
      type: "value", gridIndex: index, scale: true,
      min: (seen) => lowest(panel, seen.min), max: (seen) => highest(panel, seen.max),
      splitNumber: 3, axisLabel: plain, splitLine: { lineStyle: { color: ink.line } },
    })),
    dataZoom: [
      { type: "inside", xAxisIndex: "all", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, moveOnMouseMove: true },
      { type: "slider", xAxisIndex: "all", bottom: 6, height: 22, showDetail: false, borderColor: ink.line, textStyle: plain,
        fillerColor: "transparent", dataBackground: quiet, selectedDataBackground: quiet, handleStyle: { color: ink.surface, borderColor: ink["line-strong"] }, moveHandleSize: 4, brushSelect: false },
    ],
    series: data.panels.flatMap((panel, index) => panel.series.map((series, nth) => ({
      name: series.name, type: series.dots ? "scatter" : "line", xAxisIndex: index, yAxisIndex: index,
      data: series.points.map(([at, value]) => [wall(at), value]),
      symbol: MARKS[nth % MARKS.length], symbolSize: series.dots ? 7 : 4, showSymbol: true, connectNulls: false,
      lineStyle: { width: 1.75, type: DASHES[nth % DASHES.length] }, color: lines[nth % lines.length],
      tooltip: { valueFormatter: (value) => `${value} ${panel.unit}` },
      ...(nth === 0 ? marks(data, panel, ink, index === 0) : {}),
    }))),
  };
}
const bounds = (panel) => [...(panel.limits ?? []).map((limit) => limit.value), ...(panel.bands ?? []).flatMap((band) => [band.from, band.to])];
const pad = (panel) => (panel.unit === "mmHg" || panel.unit === "mg/dL" ? 10 : 1);
const lowest = (panel, seen) => Math.floor((Math.min(seen, ...bounds(panel)) - pad(panel)) / pad(panel)) * pad(panel);
const highest = (panel, seen) => Math.ceil((Math.max(seen, ...bounds(panel)) + pad(panel)) / pad(panel)) * pad(panel);

// Near the right edge a label stands to the left of its line.
const late = (data, event) => wall(event.at) > wall(data.to) - 0.15 * (wall(data.to) - wall(data.from));

function marks(data, panel, ink, first) {
  const label = { color: ink["ink-2"], fontSize: 11, textBorderColor: ink.surface, textBorderWidth: 3 };
  return {
    markArea: {
      silent: true,
      data: (panel.bands ?? []).map((band) => [
        { yAxis: band.from, name: band.label, itemStyle: { color: ink["good-soft"] }, label: { ...label, position: "insideBottomLeft" } },
        { yAxis: band.to },
      ]),
    },
    markLine: {
      silent: true, symbol: "none",
      data: [
        ...(panel.limits ?? []).map((limit) => ({
          yAxis: limit.value, lineStyle: { color: ink["warning-mark"], type: "dashed", width: 1 },
          label: { ...label, formatter: limit.label, position: "insideStartTop", color: ink.warning },
        })),
        ...(data.events ?? []).map((event) => ({
          xAxis: wall(event.at), lineStyle: { color: ink["line-strong"], type: "dotted", width: 1 },
          label: { ...label, show: first, formatter: event.label, position: "insideEndTop", rotate: 0, align: late(data, event) ? "right" : "left", width: 150, overflow: "truncate" },
        })),
      ],
    },
  };
}

function draw(element) {
  const data = JSON.parse(document.getElementById(element.dataset.chart).textContent);
  element.replaceChildren();
  element.setAttribute("role", "img");
  const chart = globalThis.echarts.init(element, null, { renderer: "canvas" });
  const paint = () => chart.setOption(option(data, palette()), { notMerge: true });
  paint();
  document.addEventListener("hl:theme", paint);
  new ResizeObserver(() => chart.resize()).observe(element);
  element.dataset.drawn = "yes";
}
for (const element of document.querySelectorAll("[data-chart]")) draw(element);
