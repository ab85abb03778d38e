//! dray sched
