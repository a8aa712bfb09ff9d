#!/bin/bash
# A sweep as a Slurm array of eight, each with every eighth run, on a file system that all nodes share; then the tables:
#   sweep=$(sbatch --parsable docs/examples/sweep-slurm.sh)
#   sbatch --dependency=afterok:$sweep --wrap 'npx simsup merge results'
# A task that is requeued goes on where it was.
#SBATCH --job-name=simsup-sweep
#SBATCH --array=0-7
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --requeue
exec npx simsup sweep scenario.yaml --study study.yaml --out results \
  --threads "$SLURM_CPUS_PER_TASK" --shard "$SLURM_ARRAY_TASK_ID/8"
