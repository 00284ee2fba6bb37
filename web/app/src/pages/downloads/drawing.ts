// SPDX-License-Identifier: Apache-2.0
import { rate } from '../../lib/format';
import { words } from '../../words/downloads';

export interface Drawing {
  /** Times in seconds since 1970, bytes a second. */
  show: (times: number[], values: number[]) => void;
  end: () => void;
}

/** A line over time in the colours of the page; follows its width and theme. */
export async function draw(box: HTMLElement, zone: string): Promise<Drawing> {
  const [{ default: Plot }] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]);
  let data: [number[], number[]] = [[], []];
  const colour = (name: string) => getComputedStyle(box).getPropertyValue(name).trim();

  const time = new Intl.DateTimeFormat(words.language.code, {
    timeZone: zone,
    timeStyle: 'medium',
    hourCycle: 'h23',
  });
  const clock = (at: number) => time.format(at * 1000);

  const make = () => {
    const ink = colour('--ink-soft');
    const grid = { stroke: colour('--line'), width: 1 };
    return new Plot(
      {
        width: Math.max(box.clientWidth, 200),
        height: box.clientHeight,
        tzDate: (at) => Plot.tzDate(new Date(at * 1000), zone),
        cursor: { show: false },
        legend: { show: false },
        scales: { y: { range: (_, __, most) => [0, Math.max(most, 1) * 1.1] } },
        series: [
          {},
          {
            label: words.downloads.details.plot,
            stroke: colour('--accent'),
            fill: colour('--accent-soft'),
            width: 2,
            points: { show: false },
          },
        ],
        axes: [
          { stroke: ink, grid, ticks: grid, space: 70, values: (_, all) => all.map(clock) },
          { stroke: ink, grid, ticks: grid, size: 86, values: (_, all) => all.map(rate) },
        ],
      },
      data,
      box,
    );
  };

  let plot = make();
  const again = () => {
    plot.destroy();
    plot = make();
  };
  const wide = new ResizeObserver(() =>
    plot.setSize({ width: Math.max(box.clientWidth, 200), height: box.clientHeight }),
  );
  wide.observe(box);
  const theme = matchMedia('(prefers-color-scheme: dark)');
  theme.addEventListener('change', again);
  return {
    show: (times, values) => {
      data = [times, values];
      plot.setData(data);
    },
    end: () => {
      wide.disconnect();
      theme.removeEventListener('change', again);
      plot.destroy();
    },
  };
}
