//! Labs with a router: remote real servers, a smaller MTU, large transfers in both directions.

use std::net::SocketAddr;

use dray_lab::{DOWNLOAD, DOWNLOAD_BYTES, Family, Lab, Topology};

#[test]
fn a_remote_real_server_is_reached_by_the_router_in_both_families() {
    let topology = Topology::one_arm(2)
        .remote(1)
        .server_mtu(1400)
        .named("remote");
    let lab = Lab::up(topology).unwrap();
    lab.serve_http(80).unwrap();
    for family in Family::BOTH {
        for index in 0..2 {
            let address = SocketAddr::new(lab.topology().real_server(index, family), 80);
            let report = lab.client(0).http(address).run().unwrap();
            assert_eq!((report.served(), report.failed()), (1, 0));
        }
    }
}

#[test]
fn a_hundred_megabytes_go_in_either_direction() {
    let lab = Lab::up(Topology::one_arm(1).named("large")).unwrap();
    lab.serve_http(80).unwrap();
    let address = SocketAddr::new(lab.topology().real_server(0, Family::V4), 80);
    let download = lab.client(0).http(address).with(|http| http.path(DOWNLOAD));
    let report = download.run().unwrap();
    assert_eq!(report.failed(), 0, "{:?}", report.failures);
    assert_eq!(report.bytes, DOWNLOAD_BYTES as u64);
    let upload = lab.client(0).http(address);
    let report = upload
        .with(|http| http.upload(DOWNLOAD_BYTES))
        .run()
        .unwrap();
    assert_eq!(
        (report.served(), report.failed()),
        (1, 0),
        "{:?}",
        report.failures
    );
}
