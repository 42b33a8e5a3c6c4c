// How the report looks: in light and dark, on paper, and without telling anything by colour alone.

export const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#bbb, #555); --soft: light-dark(#f4f4f4, #222); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem;
  color: light-dark(#1a1a1a, #e8e8e8); background: light-dark(#fff, #141414); }
h1 { margin-bottom: .2rem } h2 { margin-top: 2.5rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .92rem }
caption { text-align: left; padding: .3rem 0; font-weight: 600 }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top }
thead th { background: var(--soft) } tbody th { font-weight: 400; min-width: 16rem }
td a { display: block; color: inherit; text-decoration: none; white-space: nowrap }
td a:hover, td a:focus-visible { outline: 3px solid light-dark(#06c, #6af) }
td small { display: block; opacity: .85 }
.tls, .served { background: light-dark(#d9f2df, #123d1e) }
.clear { background: light-dark(#fdeccb, #4a3405) }
.waits { background: light-dark(#e4e6f5, #23284d) }
.refused { background: light-dark(#eee, #2c2c2c) }
.bounced { background: light-dark(#f9d4d4, #561515) }
.broken { outline: 3px solid light-dark(#c00, #f66); outline-offset: -3px }
details { border: 1px solid var(--line); border-radius: .3rem; margin: .4rem 0; padding: .3rem .7rem }
details:target { border-width: 3px }
summary { cursor: pointer }
pre { background: var(--soft); padding: .6rem; overflow-x: auto; font-size: .82rem; line-height: 1.4 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem } dt { font-weight: 600 } dd { margin: 0 }
@media print { details { break-inside: avoid } }
`;
