//! Commands against the lab, over real SSH, as a user would type them.
