// The settings of the Recipient Filter agent on an Edge (exchange: Set-RecipientFilterConfig). They are the Edge's own:
// EdgeSync neither brings nor replaces them.

import { flagField, requiredText } from './attribute-field.ts';
import { defineView, type View } from './view.ts';

export interface RecipientFilterConfig {
  /** Always `RecipientFilterConfig`. */
  readonly name: string;
  readonly enabled: boolean;
  /** True: a stranger's mail to a recipient that is not known, in an authoritative domain, is refused at RCPT. */
  readonly recipientValidationEnabled: boolean;
}

export const DEFAULT_RECIPIENT_FILTER: RecipientFilterConfig = {
  name: 'RecipientFilterConfig',
  enabled: true,
  recipientValidationEnabled: false,
};

export const recipientFilterView: View<RecipientFilterConfig> = defineView(
  'recipient filter configuration',
  'msExchRecipientFilterConfig',
  {
    name: requiredText('cn'),
    enabled: flagField('msExchRecipientFilterEnabled', true),
    recipientValidationEnabled: flagField('msExchRecipientValidationEnabled', false),
  },
);

/** True when recipients are to be looked up; `config` is undefined until it was set. */
export function isValidating(config: RecipientFilterConfig | undefined): boolean {
  const { enabled, recipientValidationEnabled } = config ?? DEFAULT_RECIPIENT_FILTER;
  return enabled && recipientValidationEnabled;
}
