// What is wrong with the value of an option, told with the option's name.

import { isProblem, Problem } from '../problem.ts';

/** Puts the option's name before the sentence of what is wrong with its value. */
export function named<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isProblem(error)) throw new Problem(error.code, `${option}: ${error.message}`);
    throw error;
  }
}
