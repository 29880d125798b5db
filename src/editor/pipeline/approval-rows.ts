import type { ManualApproval } from '../../core/pipeline/handovers';
import type { Row } from '../tree/row';
import { joined } from '../app/format';

/** A quiet row for the places where a delivery of the service waits for a person; none where it never does. */
export function handoverRows(service: string, handovers: readonly ManualApproval[] = []): Row[] {
  if (handovers.length === 0) return [];
  const certain = handovers.filter(({ isPossible }) => !isPossible).length;
  const possible = handovers.length - certain;
  const label = certain > 0 ? counted(certain, 'manual handover') : counted(possible, 'possible manual handover');
  const more = certain > 0 && possible > 0 ? `${possible} possible` : undefined;
  return [
    {
      id: `${service}#handovers`,
      label,
      ...(more !== undefined && { description: more }),
      icon: { name: 'person', color: 'disabledForeground' },
      tooltip: 'Where a delivery waits for a person',
      ariaLabel: joined([label, more], ', '),
      open: 'collapsed',
      children: handovers.map((handover) => placeRow(service, handover)),
      subject: { service },
    },
  ];
}

function placeRow(service: string, { path, line, message }: ManualApproval): Row {
  const place = `${path}:${line}`;
  const name = path.slice(path.lastIndexOf('/') + 1);
  return {
    id: `${service}#handovers#${place}#${message}`,
    label: message,
    description: `${name}:${line}`,
    icon: { name: 'go-to-file', color: 'disabledForeground' },
    tooltip: `${message}\n${place}`,
    ariaLabel: `${message}, ${place}`,
    subject: { service, place, text: `${place} ${message}` },
    click: 'deliver.openHandover',
  };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
