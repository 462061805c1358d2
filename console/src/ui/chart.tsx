// Series over time, drawn by uPlot; the same as a table for whoever does not see it.
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useStore } from "../lib/store";
import { theme } from "../lib/theme";

export interface Series {
  name: string;
  /** The name of a colour in tokens.css. */
  color: string;
  values: readonly (number | null)[];
}

interface ChartProps {
  caption: string;
  /** In seconds. */
  times: readonly number[];
  series: readonly Series[];
  stacked?: boolean;
  height?: number;
  written: (value: number) => string;
}

export function Chart({ caption, times, series, stacked, height = 220, written }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chosen = useStore(theme);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme is other colours
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const chart = new uPlot(
      options(element, series, { height, written, stacked, step: stepOf(times) }),
      data(times, series, stacked),
      element,
    );
    const fit = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }));
    fit.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const redraw = (): void => chart.redraw();
    dark.addEventListener("change", redraw);
    return () => {
      dark.removeEventListener("change", redraw);
      fit.disconnect();
      chart.destroy();
    };
  }, [times, series, stacked, height, written, chosen]);
  return (
    <figure className="chart">
      <figcaption className="legend-line">
        <span className="hidden-text">{caption}: </span>
        {series.map((one) => (
          <span key={one.name} className="legend-one">
            <i style={{ background: `var(${one.color})` }} />
            {one.name}
          </span>
        ))}
      </figcaption>
      <div ref={place} aria-hidden="true" style={{ minHeight: height }} />
      <AsTable caption={caption} times={times} series={series} written={written} />
    </figure>
  );
}

function color(name: string): string {
  // A canvas knows no variables, and light-dark() only where an element has it.
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** Stacked: each series lies upon those before it, and the whole is drawn first. */
function data(times: readonly number[], series: readonly Series[], stacked?: boolean): uPlot.AlignedData {
  if (!stacked) return [[...times], ...series.map((one) => [...one.values])] as uPlot.AlignedData;
  const sums: number[][] = [];
  for (const one of series) {
    const below = sums.at(-1);
    sums.push(one.values.map((value, place) => (value ?? 0) + (below?.[place] ?? 0)));
  }
  return [[...times], ...sums.reverse()];
}

/** The time between two values, in seconds. */
function stepOf(times: readonly number[]): number {
  const [first, second] = times;
  return first !== undefined && second !== undefined ? second - first : 60;
}

interface Drawing {
  height: number;
  written: (value: number) => string;
  stacked: boolean | undefined;
  step: number;
}

function options(element: HTMLElement, series: readonly Series[], drawing: Drawing): uPlot.Options {
  const { height, written, stacked, step } = drawing;
  const drawn = stacked ? [...series].reverse() : series;
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = {
    stroke: () => color("--ink-3"),
    font,
    ticks: { show: false },
    grid: { stroke: () => color("--line"), width: 1 },
  };
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 } },
    scales: {
      x: { range: (_, least, most) => [least - step / 2, most + step / 2] },
      y: { range: (_, __, most) => [0, Math.max(most * 1.08, 1)] },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 70, values: (_, at, __, ___, step) => clock(at, step) },
      { ...axis, size: 58, values: (_, values) => values.map(written) },
    ],
    series: [
      {},
      ...drawn.map((one) => ({
        label: one.name,
        stroke: () => color(one.color),
        fill: stacked ? () => color(one.color) : undefined,
        width: stacked ? 0 : 1.8,
        ...(stacked && { paths: BARS }),
        // A value between two that are not there has no line.
        points: { show: !stacked && one.values.filter((value) => value !== null).length < 12, size: 6 },
      })),
    ],
    plugins: [tip(series, written)],
  };
}

const hour = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Times below a chart in local words; the day where it begins. */
function clock(times: readonly number[], step: number): string[] {
  let before = "";
  return times.map((at) => {
    const [time, date] = [hour.format(at * 1000), day.format(at * 1000)];
    if (step >= 86_400) return date;
    const text = date === before ? time : `${time}\n${date}`;
    before = date;
    return text;
  });
}

const BARS = uPlot.paths.bars?.({ size: [0.82, 48], radius: 0.12 });

/** What stands at the time under the pointer. */
function tip(series: readonly Series[], written: (value: number) => string): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = "chart-tip";
  const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  return {
    hooks: {
      init: (chart) => void chart.over.append(box),
      setCursor: (chart) => {
        const place = chart.cursor.idx;
        const at = place === null || place === undefined ? undefined : chart.data[0][place];
        box.hidden = at === undefined;
        if (at === undefined || place === null || place === undefined) return;
        const lines = series.map((one) => {
          const value = one.values[place];
          return `${one.name}: ${value === null || value === undefined ? "–" : written(value)}`;
        });
        box.textContent = [time.format(at * 1000), ...lines].join("\n");
        const left = chart.cursor.left ?? 0;
        box.dataset.side = left > chart.over.clientWidth / 2 ? "left" : "right";
        box.style.left = `${left}px`;
      },
    },
  };
}

function AsTable({ caption, times, series, written }: Omit<ChartProps, "stacked" | "height">) {
  const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  // Enough to hear how it goes.
  const every = Math.max(1, Math.ceil(times.length / 24));
  return (
    <div className="hidden-text">
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map((one) => (
              <th scope="col" key={one.name}>
                {one.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((at, place) =>
            place % every === 0 ? (
              <tr key={at}>
                <th scope="row">{shown.format(at * 1000)}</th>
                {series.map((one) => {
                  const value = one.values[place];
                  return <td key={one.name}>{value === null || value === undefined ? "–" : written(value)}</td>;
                })}
              </tr>
            ) : null,
          )}
        </tbody>
      </table>
    </div>
  );
}
