# shellcheck shell=bash
systemd_services
