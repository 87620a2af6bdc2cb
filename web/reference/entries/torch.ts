/**
 * Files of `torch.save`, read without running anything that they ask for, and written.
 * @module unrolled/torch
 */
export { loadTorch, saveTorch } from 'unrolled/torch';
