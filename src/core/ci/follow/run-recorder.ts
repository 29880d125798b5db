import type { EventBody } from '../../model/events';
import type { Journal } from '../../history/journal';
import { logFile } from '../../support/home';
import { fold, type RunState, type StepProgress } from '../../model/run-state';

/** A run as its journal tells it: what is told counts at once. */
export class RunRecorder {
  /** Something was told, or came into a log, since the last look began. */
  hasChanged = false;

  constructor(
    private current: RunState,
    private readonly journal: Journal,
  ) {}

  get state(): RunState {
    return this.current;
  }

  step(name: string): StepProgress | undefined {
    return this.current.steps.find((step) => step.name === name);
  }

  logFile(step: string): string {
    return logFile(this.journal.folder, step);
  }

  tell(body: EventBody): void {
    this.hasChanged = true;
    this.current = fold(this.current, this.journal.append(body)) ?? this.current;
  }

  notice(message: string): void {
    if (!this.current.notices.includes(message)) this.tell({ type: 'notice', message });
  }
}
