//! Taking turns, and telling the result.

use std::time::Duration;

use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, ProgramArray},
    programs::{ProgramFd, TestRun as _, TestRunOptions, Xdp},
};

/// The plan of the wrapper, as `ebpf/src/bench.rs` has it: 80 bytes of headers, then six numbers.
type Plan = [u32; 26];

/// Which flows a run visits.
#[derive(Clone, Copy)]
pub(crate) struct Flows {
    /// How many: a power of two.
    pub(crate) count: u32,
    /// Number of the first.
    pub(crate) first: u32,
    /// In an order that looks random.
    pub(crate) shuffled: bool,
}

impl Flows {
    pub(crate) const ONE: Self = Self {
        count: 1,
        first: 0,
        shuffled: false,
    };
}

/// The programs of the benchmark.
pub(crate) struct Bench {
    pub(crate) rounds: usize,
    ebpf: Ebpf,
}

/// One line of a table.
pub(crate) struct Row {
    pub(crate) name: String,
    /// Net of the null program.
    pub(crate) nanoseconds: f64,
    /// In bare lookups of the same run.
    pub(crate) lookups: f64,
    /// Against the row that the scene names.
    pub(crate) ratio: Option<f64>,
}

/// What a program cost in one round, net, with the bare lookup beside it.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) net: f64,
    pub(crate) lookup: f64,
}

impl Bench {
    pub(crate) fn new(rounds: usize) -> Self {
        let object = dray_bpf::bench().expect("a build with the eBPF objects");
        let mut ebpf = EbpfLoader::new()
            .map_max_entries("FLOWS", 1 << 20)
            .load(object)
            .expect("the benchmark's object loads");
        for name in ["restore", "null", "lookup"] {
            program(&mut ebpf, name)
                .load()
                .expect("the benchmark's programs load (root needed)");
        }
        Self { rounds, ebpf }
    }

    /// Where and how the figures were taken.
    pub(crate) fn conditions(&self) -> String {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let processor = std::fs::read_to_string("/proc/cpuinfo")
            .ok()
            .and_then(|text| {
                let line = text
                    .lines()
                    .find(|line| line.starts_with("model name"))?
                    .to_owned();
                Some(line.split(':').nth(1)?.trim().to_owned())
            })
            .unwrap_or_default();
        format!(
            "Linux {}, {processor}; medians of {} rounds.\n",
            kernel.trim(),
            self.rounds
        )
    }

    /// Visits flows with the program under test, the bare lookup and the null program by turns, once each in
    /// every round. `prepare` comes before each run of the program under test.
    pub(crate) fn measure(
        &mut self,
        under_test: &ProgramFd,
        frame: &[u8],
        unit_frame: &[u8],
        flows: Flows,
        repeat: u32,
        mut prepare: impl FnMut(usize),
    ) -> Sample {
        let (mut nets, mut lookups) = (Vec::new(), Vec::new());
        let null = self.fd("null");
        let lookup = self.fd("lookup");
        // Fills the lookup's map, and warms everything up.
        self.run(
            &lookup,
            unit_frame,
            Flows { first: 0, ..flows },
            flows.count.max(1000),
        );
        for round in 0..self.rounds {
            let floor = self.run(&null, frame, flows, repeat);
            let unit = self.run(&lookup, unit_frame, Flows { first: 0, ..flows }, repeat);
            let unit_floor = self.run(&null, unit_frame, flows, repeat);
            prepare(round);
            let cost = self.run(under_test, frame, flows, repeat);
            nets.push(cost - floor);
            lookups.push(unit - unit_floor);
        }
        Sample {
            net: median(nets),
            lookup: median(lookups),
        }
    }

    /// Nanoseconds of one run, behind the wrapper, averaged over `repeat`.
    pub(crate) fn run(
        &mut self,
        program_fd: &ProgramFd,
        frame: &[u8],
        flows: Flows,
        repeat: u32,
    ) -> f64 {
        self.aim(program_fd, frame, flows);
        let restore = program(&mut self.ebpf, "restore");
        let options = TestRunOptions {
            data_in: Some(frame),
            repeat,
            ..TestRunOptions::new()
        };
        let result = restore.test_run(options).expect("a test run");
        nanoseconds(result.duration)
    }

    fn aim(&mut self, program_fd: &ProgramFd, frame: &[u8], flows: Flows) {
        let ipv6 = frame[12..14] == [0x86, 0xdd];
        let mut plan: Plan = [0; 26];
        for (word, bytes) in plan.iter_mut().zip(frame[..80].chunks_exact(4)) {
            *word = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let (address, port) = if ipv6 { (34, 54) } else { (26, 34) };
        let mask = flows.count.next_power_of_two() - 1;
        plan[20..].copy_from_slice(&[flows.first, mask, address, port, flows.shuffled.into(), 0]);
        let mut plans: Array<_, Plan> = self
            .ebpf
            .map_mut("PLAN")
            .expect("a map")
            .try_into()
            .expect("an array");
        plans.set(0, plan, 0).expect("the plan is set");
        let map = self.ebpf.map_mut("UNDER_TEST").expect("a map");
        let mut programs: ProgramArray<_> = map.try_into().expect("a program array");
        programs.set(0, program_fd, 0).expect("the program is set");
    }

    fn fd(&mut self, name: &str) -> ProgramFd {
        program(&mut self.ebpf, name)
            .fd()
            .expect("a loaded program")
            .try_clone()
            .expect("a handle")
    }
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, sample: Sample) -> Self {
        Self {
            name: name.into(),
            nanoseconds: sample.net,
            lookups: sample.net / sample.lookup,
            ratio: None,
        }
    }

    /// The same, with its cost against another row's.
    pub(crate) fn against(name: impl Into<String>, sample: Sample, other: Sample) -> Self {
        Self {
            ratio: Some(sample.net / other.net),
            ..Self::new(name, sample)
        }
    }

    pub(crate) fn print_all(title: &str, rows: &[Self]) {
        println!("## {title}\n");
        println!("| | ns | bare lookups | ratio |\n|---|---:|---:|---:|");
        for row in rows {
            let ratio = row
                .ratio
                .map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            println!(
                "| {} | {:.1} | {:.2} | {ratio} |",
                row.name, row.nanoseconds, row.lookups
            );
        }
        println!();
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> &'a mut Xdp {
    ebpf.program_mut(name)
        .expect("a program")
        .try_into()
        .expect("an XDP program")
}
