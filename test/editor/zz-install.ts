import { installServer } from './host/install';
void installServer(console.log).then(console.log);
