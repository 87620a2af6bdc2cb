// unrolled, as the peers are run: one workload in a process of its own.

import * as unrolled from 'unrolled';
import { ownTasks } from './own.js';
import { answer, request } from './runner.js';

await unrolled.init();
const empty = unrolled.info().allocatedBytes;
const tasks = ownTasks(unrolled, request().workload);
await answer(unrolled.info().version, tasks, () => unrolled.info().allocatedBytes - empty);
