import { serve } from '../serve.ts';
import type { Command } from './command.ts';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'start the service, as npm start does',
  usage: `mcr serve

Starts the service with the configuration of MCR_CONFIG, or the demonstration's.
MCR_PORT, MCR_DATA and MCR_DATABASE_URL override the port, the data folder and the database.`,
  async run() {
    await serve();
    return 0;
  },
};
