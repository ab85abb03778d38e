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
    /// In an order that looks random.
    pub(crate) shuffled: bool,
}

impl Flows {
    pub(crate) const ONE: Self = Self {
        count: 1,
        shuffled: false,
    };
}

/// A program under test, and what it is given.
pub(crate) struct Contender<'a> {
    pub(crate) name: String,
    pub(crate) program: ProgramFd,
    pub(crate) frame: Vec<u8>,
    pub(crate) flows: Flows,
    /// Packets of a round.
    pub(crate) repeat: u32,
    /// Comes before each of its runs.
    pub(crate) prepare: Box<dyn FnMut() + 'a>,
}

/// One line of a table.
pub(crate) struct Row {
    name: String,
    /// Net of the null program.
    nanoseconds: f64,
    /// In bare lookups over the same flows.
    lookups: f64,
    /// Against the table's first line.
    ratio: f64,
}

/// The programs of the benchmark.
pub(crate) struct Bench {
    effort: usize,
    ebpf: Ebpf,
}

impl Bench {
    /// `effort` multiplies the number of rounds.
    pub(crate) fn new(effort: usize) -> Self {
        let object = dray_bpf::bench().expect("a build with the eBPF objects");
        let mut ebpf = EbpfLoader::new()
            .map_max_entries("FLOWS", 1 << 20)
            .load(object)
            .expect("the benchmark's object loads");
        for name in ["restore", "null", "lookup"] {
            let program = program(&mut ebpf, name);
            program
                .load()
                .expect("the benchmark's programs load (root needed)");
        }
        Self { effort, ebpf }
    }

    /// Where the figures were taken.
    pub(crate) fn conditions(&self) -> String {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = processors
            .lines()
            .find_map(|line| line.strip_prefix("model name"));
        let model = model
            .unwrap_or_default()
            .trim_start_matches(['\t', ' ', ':']);
        format!("Linux {}, {model}.\n", kernel.trim())
    }

    /// Lets the contenders take turns for `rounds` rounds; the ratios are against the first of them.
    pub(crate) fn measure(&mut self, rounds: usize, contenders: &mut [Contender<'_>]) -> Vec<Row> {
        let (null, lookup) = (self.program("null"), self.program("lookup"));
        let unit_frame = crate::scenes::unit_frame();
        for contender in &mut *contenders {
            // Fills the lookup's map and warms everything up.
            self.run(
                &lookup,
                &unit_frame,
                contender.flows,
                contender.flows.count.max(1000),
            );
            (contender.prepare)();
            self.run(
                &contender.program,
                &contender.frame,
                contender.flows,
                contender.repeat / 4,
            );
        }
        let mut samples = vec![Vec::new(); contenders.len()];
        for _ in 0..rounds * self.effort {
            for (contender, samples) in contenders.iter_mut().zip(&mut samples) {
                let Contender {
                    program,
                    frame,
                    flows,
                    repeat,
                    prepare,
                    ..
                } = contender;
                let floor = self.run(&null, frame, *flows, *repeat);
                let unit_floor = self.run(&null, &unit_frame, *flows, *repeat);
                let unit = self.run(&lookup, &unit_frame, *flows, *repeat);
                prepare();
                let cost = self.run(program, frame, *flows, *repeat);
                samples.push((cost - floor, unit - unit_floor));
            }
        }
        let first = samples[0].clone();
        let row = |(contender, samples): (&Contender<'_>, &Vec<(f64, f64)>)| Row {
            name: contender.name.clone(),
            nanoseconds: median(samples.iter().map(|(net, _)| *net)),
            lookups: median(samples.iter().map(|(net, unit)| net / unit)),
            ratio: median(
                samples
                    .iter()
                    .zip(&first)
                    .map(|((net, _), (first, _))| net / first),
            ),
        };
        contenders.iter().zip(&samples).map(row).collect()
    }

    /// Nanoseconds of one run, behind the wrapper, averaged over `repeat`.
    pub(crate) fn run(
        &mut self,
        under_test: &ProgramFd,
        frame: &[u8],
        flows: Flows,
        repeat: u32,
    ) -> f64 {
        self.aim(under_test, frame, flows);
        let restore = program(&mut self.ebpf, "restore");
        let options = TestRunOptions {
            data_in: Some(frame),
            repeat: repeat.max(1),
            ..TestRunOptions::new()
        };
        let result = restore.test_run(options).expect("a test run");
        nanoseconds(result.duration)
    }

    fn aim(&mut self, under_test: &ProgramFd, frame: &[u8], flows: Flows) {
        let ipv6 = frame[12..14] == [0x86, 0xdd];
        let (address, port) = if ipv6 { (34, 54) } else { (26, 34) };
        let mask = flows.count.next_power_of_two() - 1;
        let mut plan: Plan = [0; 26];
        for (word, bytes) in plan.iter_mut().zip(frame[..80].chunks_exact(4)) {
            *word = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        plan[20..].copy_from_slice(&[0, mask, address, port, flows.shuffled.into(), 0]);
        let plans = self.ebpf.map_mut("PLAN").expect("a map");
        let mut plans: Array<_, Plan> = plans.try_into().expect("an array");
        plans.set(0, plan, 0).expect("the plan is set");
        let programs = self.ebpf.map_mut("UNDER_TEST").expect("a map");
        let mut programs: ProgramArray<_> = programs.try_into().expect("a program array");
        programs.set(0, under_test, 0).expect("the program is set");
    }

    fn program(&mut self, name: &str) -> ProgramFd {
        handle(program(&mut self.ebpf, name))
    }
}

impl Row {
    pub(crate) fn print_all(title: &str, rows: &[Self]) {
        println!("## {title}\n");
        println!("| | ns | bare lookups | a second | ratio |\n|---|---:|---:|---:|---:|");
        for Self {
            name,
            nanoseconds,
            lookups,
            ratio,
        } in rows
        {
            let rate = 1e9 / nanoseconds;
            println!("| {name} | {nanoseconds:.0} | {lookups:.2} | {rate:.0} | {ratio:.2} |");
        }
        println!();
    }
}

/// A handle on a loaded program.
pub(crate) fn handle(program: &Xdp) -> ProgramFd {
    program
        .fd()
        .expect("a loaded program")
        .try_clone()
        .expect("a handle")
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
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
