// Where the page begins.

import { render } from 'preact';
import { App } from './app.tsx';
import { openPair } from './pair.ts';
import { openRecording } from './player.ts';
import { RECORDING_ID } from './recording.ts';
import { applyTheme } from './theme.ts';

applyTheme();
const recorded = document.getElementById(RECORDING_ID);
if (recorded === null) void openPair();
else openRecording(recorded.textContent);
render(<App />, document.getElementById('page') ?? document.body);
