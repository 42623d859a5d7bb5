"""Fills a fresh Nautobot with the devices of some records, as people keep them
there: sub-interfaces with tagged VLANs, bridge domains as VPLS services.

    load.py RECORDS.json TOKEN DEVICE…    (with NAUTOBOT_ROOT set)

Every VLAN and service that the file names is made, those of other devices too,
so that what is synced later finds its VLAN. Prints what was made, as JSON.
"""

import json
import sys

import nautobot

nautobot.setup()

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from nautobot.dcim.models import Device, DeviceType, Interface, Location, LocationType, Manufacturer, Platform
from nautobot.extras.models import Role, Status
from nautobot.ipam.models import VLAN, IPAddress, Namespace, Prefix
from nautobot.users.models import Token
from nautobot.vpn.models import VPN, VPNTermination


def tags(text):
    """`350,400-402` as single ids."""
    for part in filter(None, (text or "").split(",")):
        low, _, high = part.partition("-")
        yield from range(int(low), int(high or low) + 1)


records = json.load(open(sys.argv[1]))["records"]
token, names = sys.argv[2], sys.argv[3:]
active = Status.objects.get(name="Active")

user = get_user_model().objects.create_superuser("driftcast", "driftcast@example.net", "none")
Token.objects.create(user=user, key=token)

site_type = LocationType.objects.create(name="Site")
site_type.content_types.set(ContentType.objects.get_for_models(Device, VLAN, Prefix).values())
site = Location(name="lab", location_type=site_type, status=active)
site.validated_save()
role = Role.objects.create(name="leaf")
role.content_types.add(ContentType.objects.get_for_model(Device))
maker = Manufacturer.objects.create(name="DriveNets")
kind = DeviceType.objects.create(manufacturer=maker, model="NCP-40C")
platform = Platform.objects.create(name="DriveNets DNOS", network_driver="drivenets_dnos", manufacturer=maker)
prefix = Prefix(prefix="192.0.2.0/24", namespace=Namespace.objects.get(name="Global"), status=active)
prefix.validated_save()

interfaces = [record for record in records if record["kind"] == "interface"]
vlans = {}
for vid in sorted({vid for record in interfaces if not record["inner"] for vid in tags(record["outer"])}):
    vlan = VLAN(vid=vid, name=f"vlan {vid}", status=active)
    vlan.validated_save()
    vlan.locations.add(site)
    vlans[vid] = vlan
domains = {record["service"] for record in interfaces if record["service_kind"] == "bridge-domain"}
services = {name: VPN.objects.create(name=name, service_type="vpls") for name in sorted(domains)}

made = {"interfaces": 0, "vlans": len(vlans), "services": len(services)}
for number, name in enumerate(names, start=11):
    device = Device(name=name, device_type=kind, role=role, location=site, platform=platform, status=active)
    device.validated_save()
    mine = {record["name"]: record for record in interfaces if record["device"] == name}
    # Ports of which the record says nothing are there too: the chassis has them.
    ports = set(mine) | {r["parent"] for r in mine.values() if r["parent"]} | {r["bundle"] for r in mine.values() if r["bundle"]}
    there = {}
    # Bundles, then ports, then what hangs on them.
    for port in sorted(ports, key=lambda port: ("." in port, not port.startswith("bundle"), port)):
        record = mine.get(port, {})
        sub = "." in port
        bundle = port.startswith("bundle") and not sub
        interface = Interface(
            device=device,
            name=port,
            type="virtual" if sub or port.startswith(("lo", "irb")) else "lag" if bundle else "100gbase-x-qsfp28",
            status=active,
            enabled=record.get("admin") != "down",
            description=record.get("description") or "",
            parent_interface=there.get(record.get("parent")) if sub else None,
            lag=there.get(record.get("bundle")),
            mode="tagged" if sub and record.get("outer") and not record.get("inner") else "",
        )
        interface.validated_save()
        if interface.mode:
            interface.tagged_vlans.set([vlans[vid] for vid in tags(record["outer"])])
        if record.get("service_kind") == "bridge-domain":
            VPNTermination.objects.create(vpn=services[record["service"]], interface=interface)
        there[port] = interface
        made["interfaces"] += 1
    address = IPAddress(address=f"192.0.2.{number}/24", namespace=prefix.namespace, status=active)
    address.validated_save()
    there[min(there)].ip_addresses.add(address)
    device.primary_ip4 = address
    device.validated_save()
print(json.dumps(made))
