//! The only integration binary: linking `DuckDB` and Polars once is enough.

mod cli; // commands against the lab, over real SSH
mod cut_off; // a sync that is killed
mod faults; // what goes wrong between us and a device
mod fixtures; // recordings beside the project, and what others expect of them
mod floors; // who may use what
mod forecast; // signals, honesty, rounds
mod hosts; // readers of exec channels: what is cut is never whole
mod iosxr; // the form of NETCONF against the command line's
mod junos; // three forms, live verdicts, cuts
mod nights; // several nights of one device
mod noise; // thirty nights of what is no change
mod notify; // who is told of what, once
mod oxidized; // sessions that other people recorded
mod past; // what Oxidized and RANCID have seen for years
mod platforms; // recordings and what is in them
mod queries; // every statement, on a fresh schema
mod reports; // pages of sample nights
mod resolve; // refused deploys, judged and decided
mod secrets; // planted, and looked for in all that is left behind
mod serve; // schedules, signals, kills
mod sros; // both CLIs, live verdicts, cuts
mod store; // what is kept, and what survives
mod switches; // NX-OS and EOS as a live session has them
mod sync; // reality into the record: plans, guards, the way back
mod weight; // the report of a large fleet, on demand
