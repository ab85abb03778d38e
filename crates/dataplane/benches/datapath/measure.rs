//! Taking turns, and telling the result.

use std::time::Duration;

use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, ProgramArray},
    programs::{ProgramFd, TestRun as _, TestRunOptions, Xdp},
};

/// The plan of the wrapper, as `ebpf/src/bench.rs` has it: 80 bytes of headers, then six numbers.
type Plan = [u32; 26];

/// A run is taken in so many pieces, of which the one in the middle counts, so that work of others that falls into one of them
/// does not.
const SLICES: u32 = 9;

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

/// Where a frame tells its flow.
#[derive(Clone, Copy)]
pub(crate) enum FlowAt {
    /// In the source address and port: a client's packet.
    Source,
    /// In the destination: a packet to a client.
    Destination,
    /// Nowhere: all packets are of one flow. What varies is written where it means nothing.
    Nowhere,
}

/// A program under test, and what it is given.
pub(crate) struct Contender<'a> {
    pub(crate) name: String,
    pub(crate) program: ProgramFd,
    pub(crate) frame: Vec<u8>,
    pub(crate) flows: Flows,
    pub(crate) flow_at: FlowAt,
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

    /// Lets the contenders take turns for `rounds` rounds; the ratios are against the first of them, which runs again beside
    /// each of the others.
    pub(crate) fn measure(&mut self, rounds: usize, contenders: &mut [Contender<'_>]) -> Vec<Row> {
        for contender in &mut *contenders {
            // Fills the lookup's map and warms everything up.
            let count = contender.flows.count.max(1000);
            self.unit(contender.flows, count);
            self.cost(contender, contender.repeat / 4);
        }
        let mut samples = vec![Vec::new(); contenders.len()];
        for _ in 0..rounds * self.effort {
            for (number, samples) in samples.iter_mut().enumerate() {
                let (first, others) = contenders.split_at_mut(1);
                let sample = match number.checked_sub(1) {
                    None => {
                        let (net, unit) = self.turn(&mut first[0]);
                        (net, unit, net)
                    }
                    Some(other) => {
                        let repeat = others[other].repeat;
                        let beside =
                            self.cost(&mut first[0], repeat) - self.floor(&first[0], repeat);
                        let (net, unit) = self.turn(&mut others[other]);
                        (net, unit, beside)
                    }
                };
                samples.push(sample);
            }
        }
        let row = |(contender, samples): (&Contender<'_>, &Vec<(f64, f64, f64)>)| Row {
            name: contender.name.clone(),
            nanoseconds: median(samples.iter().map(|(net, _, _)| *net)),
            lookups: median(samples.iter().map(|(net, unit, _)| net / unit)),
            ratio: median(samples.iter().map(|(net, _, first)| net / first)),
        };
        contenders.iter().zip(&samples).map(row).collect()
    }

    /// What a packet of the contender costs now, and what a bare lookup does.
    fn turn(&mut self, contender: &mut Contender<'_>) -> (f64, f64) {
        let repeat = contender.repeat;
        let floor = self.floor(contender, repeat);
        let unit = self.unit(contender.flows, repeat);
        (self.cost(contender, repeat) - floor, unit)
    }

    /// A packet of the contender, wrapper and all.
    fn cost(&mut self, contender: &mut Contender<'_>, repeat: u32) -> f64 {
        (contender.prepare)();
        self.run(&contender.program, contender, repeat)
    }

    /// The wrapper around the contender's packets.
    fn floor(&mut self, contender: &Contender<'_>, repeat: u32) -> f64 {
        let null = self.program("null");
        self.run(&null, contender, repeat)
    }

    /// A bare lookup.
    fn unit(&mut self, flows: Flows, repeat: u32) -> f64 {
        let frame = crate::scenes::unit_frame();
        let [null, lookup] = ["null", "lookup"].map(|name| self.program(name));
        let floor = self.run_frame(&null, &frame, (flows, FlowAt::Source), repeat);
        self.run_frame(&lookup, &frame, (flows, FlowAt::Source), repeat) - floor
    }

    /// Nanoseconds of one run of a program on the contender's packets, behind the wrapper, averaged over `repeat`.
    fn run(&mut self, program: &ProgramFd, contender: &Contender<'_>, repeat: u32) -> f64 {
        let flows = (contender.flows, contender.flow_at);
        self.run_frame(program, &contender.frame, flows, repeat)
    }

    /// The same on a frame of whatever kind.
    pub(crate) fn run_frame(
        &mut self,
        under_test: &ProgramFd,
        frame: &[u8],
        flows: (Flows, FlowAt),
        repeat: u32,
    ) -> f64 {
        self.aim(under_test, frame, flows);
        let restore = program(&mut self.ebpf, "restore");
        let slice = || {
            let options = TestRunOptions {
                data_in: Some(frame),
                repeat: repeat.div_ceil(SLICES).max(1),
                ..TestRunOptions::new()
            };
            let result = restore.test_run(options).expect("a test run");
            nanoseconds(result.duration)
        };
        median((0..SLICES).map(|_| slice()))
    }

    fn aim(&mut self, under_test: &ProgramFd, frame: &[u8], (flows, at): (Flows, FlowAt)) {
        let ipv6 = frame[12..14] == [0x86, 0xdd];
        let (address, port) = match (at, ipv6) {
            (FlowAt::Source, false) => (26, 34),
            (FlowAt::Source, true) => (34, 54),
            (FlowAt::Destination, false) => (30, 36),
            (FlowAt::Destination, true) => (50, 56),
            // The end of the window that is restored, where the payload is.
            (FlowAt::Nowhere, _) => (74, 78),
        };
        let mask = flows.count.next_power_of_two() - 1;
        let mut plan: Plan = [0; 26];
        for (word, bytes) in plan.iter_mut().zip(frame[..80].chunks_exact(4)) {
            *word = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let length = frame.len() as u32;
        plan[20..].copy_from_slice(&[0, mask, address, port, flows.shuffled.into(), length]);
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
