// A signal's value as it is a few times a second: what people read need not change with every frame.

import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';

const LOOK_MS = 250;

/** Changes within a quarter of a second show together. */
export function useSlowly<Value>(source: ReadonlySignal<Value>): Value {
  const [value, setValue] = useState(() => source.peek());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = source.subscribe(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setValue(() => source.peek());
      }, LOOK_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [source]);
  return value;
}
