// Messages on their way over the picture: a capped number of elements that the browser moves by itself, without a script running
// for each frame. For eyes and pointers alone; the list of messages says the same to everybody.

import type { Move } from './journeys.ts';
import { isForth, type LaneKey } from './lanes.ts';
import { safe, safeSubject } from './said.tsx';
import { SIGN_PATHS } from './signs.tsx';
import { texts } from './texts.ts';
import { TRIP_MS, type Trip, TravelPlan } from './travel.ts';

const MAX_TRAVELLERS = 48;
const SVG = 'http://www.w3.org/2000/svg';

export class Travellers {
  readonly #roadOf: (lane: LaneKey) => HTMLElement | undefined;
  readonly #onChosen: (id: string) => void;
  readonly #plan = new TravelPlan(MAX_TRAVELLERS);
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');

  constructor(roadOf: (lane: LaneKey) => HTMLElement | undefined, onChosen: (id: string) => void) {
    this.#roadOf = roadOf;
    this.#onChosen = onChosen;
  }

  /** Sends off what moved. */
  send(moves: readonly Move[]): void {
    if (this.#still.matches || document.hidden) return;
    for (const trip of this.#plan.plan(moves, performance.now())) this.#send(trip);
  }

  #send({ move: { journey, step }, lane, delayMs }: Trip): void {
    const road = this.#roadOf(lane);
    if (road === undefined) return;
    const traveller = document.createElement('div');
    traveller.className = `traveller tone-${step.tone}`;
    traveller.title = `${safe(journey.subject, 120)}\n${texts.tones[step.tone]}: ${step.reason}`;
    traveller.addEventListener('click', () => this.#onChosen(journey.id));
    const words = document.createElement('span');
    words.textContent = safeSubject(journey.subject, 22);
    traveller.append(drawSign(step.tone), words);
    road.append(traveller);
    const animation = traveller.animate(framesFor(road, traveller, lane), {
      duration: TRIP_MS,
      delay: delayMs,
      easing: 'cubic-bezier(0.45, 0.05, 0.4, 1)',
      fill: 'both',
    });
    traveller.addEventListener('pointerenter', () => animation.pause());
    traveller.addEventListener('pointerleave', () => animation.play());
    animation.addEventListener('finish', () => traveller.remove());
    animation.addEventListener('cancel', () => traveller.remove());
  }
}

function drawSign(tone: keyof typeof SIGN_PATHS): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'sign');
  path.setAttribute('d', SIGN_PATHS[tone]);
  svg.append(path);
  return svg;
}

/** Along the road: sideways, or downwards where the places stand above each other. */
function framesFor(road: HTMLElement, traveller: HTMLElement, lane: LaneKey): Keyframe[] {
  const isUpright = road.clientHeight > road.clientWidth;
  const axis = isUpright ? 'Y' : 'X';
  const end = isUpright ? road.clientHeight - traveller.offsetHeight : road.clientWidth - traveller.offsetWidth;
  const [from, to] = isForth(lane) ? [0, end] : [end, 0];
  return [
    { transform: `translate${axis}(${from}px) scale(0.6)`, opacity: 0 },
    { transform: `translate${axis}(${from}px) scale(1)`, opacity: 1, offset: 0.12 },
    { transform: `translate${axis}(${to}px) scale(1)`, opacity: 1, offset: 0.88 },
    { transform: `translate${axis}(${to}px) scale(0.6)`, opacity: 0 },
  ];
}
