//! Writes the API's description to the standard output, for docs/openapi.json.

fn main() {
    print!("{}", dray_api::openapi());
}
