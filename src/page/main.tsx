// Where the page begins.

import { render } from 'preact';
import { App } from './app.tsx';
import { openPair } from './pair.ts';
import { applyTheme } from './theme.ts';

applyTheme();
void openPair();
render(<App />, document.getElementById('page') ?? document.body);
