// Where an access token is pasted.

import { useState } from 'preact/hooks';
import { texts } from './texts.ts';

interface TokenFormProps {
  readonly label: string;
  readonly hasToken: boolean;
  readonly onUsed: (token: string | undefined) => void;
}

export function TokenForm({ label, hasToken, onUsed }: TokenFormProps) {
  const [token, setToken] = useState('');
  const use = (chosen: string | undefined): void => {
    setToken('');
    onUsed(chosen);
  };
  return (
    <form
      class="token-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (token.trim() !== '') use(token.trim());
      }}
    >
      <label>
        <span>{label}</span>
        <input
          type="password"
          autoComplete="off"
          spellcheck={false}
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        {texts.token.use}
      </button>
      {hasToken && (
        <button type="button" onClick={() => use(undefined)}>
          {texts.token.forget}
        </button>
      )}
    </form>
  );
}
