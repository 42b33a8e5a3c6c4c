// A line plot over time by uPlot. What it draws is said in words beside it, so it is no loss where it cannot be seen. It is part of the
// one script that the page is, so that an exported file has it too.

import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { isDark } from './theme.ts';

export interface PlotLine {
  readonly name: string;
  /** The name of a colour in theme.css, such as "trusted". */
  readonly colour: string;
  readonly isDashed?: boolean;
}

interface PlotProps {
  readonly label: string;
  readonly lines: readonly PlotLine[];
  /** Seconds since 1970, then the values of each line. */
  readonly data: UPlot.AlignedData;
  readonly height: number;
  readonly format: (value: number) => string;
}

export function Plot({ label, lines, data, height, format }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | undefined>(undefined);
  const dark = isDark.value;
  const names = lines.map(({ name, colour }) => `${name} ${colour}`).join();
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    plot.current = new UPlot(optionsFor(element, { lines, height, format }), data, element);
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
    // The lines are the same ones as long as their names are.
  }, [names, dark, height]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={place} class="plot" role="img" aria-label={label} style={{ minHeight: height }} />;
}

function optionsFor(
  element: HTMLElement,
  { lines, height, format }: Pick<PlotProps, 'lines' | 'height' | 'format'>,
): UPlot.Options {
  // A canvas knows no light-dark(): the colours are asked of an element that has them.
  const colourOf = (name: string): string => {
    const probe = element.appendChild(document.createElement('i'));
    probe.style.color = `var(--${name})`;
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
  const axis = {
    stroke: colourOf('quiet'),
    grid: { stroke: colourOf('line'), width: 1 },
    ticks: { show: false },
    font: '12px ui-sans-serif, system-ui, sans-serif',
  };
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    // Room for half a label beside the last moment.
    padding: [8, 32, 0, 0],
    axes: [
      {
        ...axis,
        values: (_plot, splits) => splits.map((at) => new Date(at * 1000).toISOString().slice(11, 19)),
        space: 90,
        size: 28,
      },
      { ...axis, values: (_plot, splits) => splits.map(format), size: 56 },
    ],
    scales: {
      x: { range: ({ data: [times] }) => rangeOf(times) },
      y: { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 1) * 1.15)] },
    },
    series: [
      {},
      ...lines.map(({ name, colour, isDashed }) => ({
        label: name,
        stroke: colourOf(colour),
        width: 2,
        points: { show: false },
        ...(isDashed === true && { dash: [6, 4] }),
      })),
    ],
  };
}

const MOST_SECONDS = 600;

/**
 * Some seconds at least and minutes at most; before anything is known, the last minute. By the data themselves: of a single moment uPlot
 * makes a day.
 */
function rangeOf(times: ArrayLike<number>): [number, number] {
  const end = times[times.length - 1] ?? Date.now() / 1000;
  return [Math.max(Math.min(times[0] ?? end - 60, end - 10), end - MOST_SECONDS), end];
}
