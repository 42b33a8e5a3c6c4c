// Every text of the page, so that it can be read, and translated, as one.

const count = (number: number, one: string, many: string): string =>
  `${number.toLocaleString('en-GB')} ${number === 1 ? one : many}`;

export const texts = {
  name: 'relaypair',
  skip: 'Skip to the content',
  views: { stage: 'Stage', trust: 'Trust', queues: 'Queues', tracking: 'Tracking', events: 'Events', lab: 'Lab' },
  viewsLabel: 'Views',
  serversLabel: 'Servers',
  roles: { hub: 'Hub', edge: 'Edge' },
  places: { outside: 'Outside', edge: 'Edge', hub: 'Hub', mailboxes: 'Mailboxes' },

  unreachable: 'The server does not answer.',
  unexpected: 'The server gave an answer that this page does not understand.',
  opening: 'Looking for the servers…',
  again: 'Try again',

  links: {
    connecting: 'connecting',
    open: 'live',
    closed: 'no connection, trying again',
    refused: 'not let in',
  },
  clock: (offset: string): string => `clock ${offset}`,
  clockAt: (at: string): string => `The clock of this laboratory shows ${at}`,
  notReady: 'takes no mail at the moment',

  theme: { label: 'Colours', auto: 'as the system', light: 'light', dark: 'dark' },

  token: {
    open: 'Access tokens',
    title: 'Access tokens',
    about:
      'Who only looks needs none on this machine. To change something, paste a token that may write. It is kept until this tab is closed, and sent to its own server alone.',
    howTo: (role: string): string => `relaypair ${role} New-AccessToken NAME -Access ReadWrite`,
    label: (server: string): string => `Token for ${server}`,
    use: 'Use it',
    forget: 'Forget it',
    close: 'Close',
    mayWrite: 'may change things',
    mayRead: 'may look only',
    needed: (server: string): string => `${server} shows nothing without an access token.`,
    wrong: (server: string): string => `${server} does not know this access token, or it has expired.`,
    missing: 'Needs a token that may write',
  },

  tones: {
    trusted: 'TLS, both known to each other',
    sealed: 'TLS with somebody unknown',
    clear: 'in clear, as with strangers',
    alarm: 'in clear although it should not be',
    stopped: 'no connection',
    local: 'on the machine itself',
  },
  channels: { tls: 'TLS', plaintext: 'in clear', none: 'no connection' },
  states: { moving: 'under way', waiting: 'waits', arrived: 'arrived', failed: 'failed' },

  stage: {
    title: 'Stage',
    recent: 'Messages',
    none: 'No message has been seen since this page was opened.',
    nobody: '<>',
    messages: (number: number): string => count(number, 'message', 'messages'),
    noSubject: '(no subject)',
  },
  rates: {
    title: 'messages a second',
    received: 'received',
    sent: 'sent',
    said: (received: number, sent: number): string =>
      `Received ${received.toFixed(1)} and sent ${sent.toFixed(1)} a second just now; the dashed line is what was sent.`,
  },
  trust: { title: 'Trust', none: 'No certificate is on record.' },
  queues: { title: 'Queues', none: 'Nothing is known of the queues yet.' },
  tracking: {
    title: 'Tracking',
    search: 'Search',
    sender: 'Sender',
    recipient: 'Recipient',
    subject: 'Subject contains',
    none: 'Nothing was found.',
  },
  events: { title: 'Events', none: 'There are no events yet.' },
  lab: {
    title: 'Lab',
    clocks: 'Clocks',
    subscription: 'Edge Subscription',
    noSubscription: 'No Edge is subscribed.',
    noLaboratory:
      'These servers were not started as a laboratory (--lab, or relaypair up --clock), so their clocks cannot be moved.',
  },
} as const;
