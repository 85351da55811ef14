//! Relay physics: data sheets, guard, interlock groups, contact model, wear.
