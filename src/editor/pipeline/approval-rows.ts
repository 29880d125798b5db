import type { ManualApproval } from '../../core/pipeline/handovers';
import { counted, joined } from '../../core/support/format';
import type { Row } from '../tree/row';

/** Returns a row with the manual handovers of a service, if it has any. */
export function manualApprovalRows(service: string, approvals: readonly ManualApproval[] = []): Row[] {
  if (approvals.length === 0) return [];
  const certain = approvals.filter(({ isPossible }) => !isPossible).length;
  const possible = approvals.length - certain;
  const label = certain > 0 ? counted(certain, 'manual handover') : counted(possible, 'possible manual handover');
  const description = certain > 0 && possible > 0 ? `${possible} possible` : undefined;
  return [
    {
      id: `${service}#approvals`,
      label,
      description,
      icon: { name: 'person', color: 'disabledForeground' },
      tooltip: 'Deliveries wait for a person here',
      ariaLabel: joined([label, description], ', '),
      open: 'collapsed',
      children: approvals.map((approval) => placeRow(service, approval)),
      target: { service },
    },
  ];
}

function placeRow(service: string, { path, line, message }: ManualApproval): Row {
  const place = `${path}:${line}`;
  const name = path.slice(path.lastIndexOf('/') + 1);
  return {
    id: `${service}#approvals#${place}#${message}`,
    label: message,
    description: `${name}:${line}`,
    icon: { name: 'go-to-file', color: 'disabledForeground' },
    tooltip: `${message}\n${place}`,
    ariaLabel: `${message}, ${place}`,
    target: { service, place, text: `${place} ${message}` },
    click: 'deliver.openHandover',
  };
}
