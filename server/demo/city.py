"""The fictional city of Rongchuan as data. Names of places and people are invented."""

from __future__ import annotations

from dataclasses import dataclass

from server.access.core import Role
from server.sites.store import NewSite
from server.waiting.core import SERVICES


@dataclass(frozen=True, slots=True)
class DemoSite:
    """A site, the slug of its parent, what it serves, the kiosk that stands there."""

    new: NewSite
    parent: str | None = None
    services: tuple[str, ...] = ()
    kiosk: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody of the staff, with one role at one site."""

    user: str
    name_zh: str
    name_en: str
    role: Role
    site: str = "rongchuan"


SITES = (
    DemoSite(
        NewSite(
            "rongchuan",
            "city",
            "榕川市公共法律服务中心",
            "Rongchuan City Public Legal Service Centre",
            "榕川市江滨路18号",
            "18 Jiangbin Road",
        ),
        services=SERVICES,
    ),
    DemoSite(
        NewSite(
            "qingxi",
            "county",
            "清溪县公共法律服务中心",
            "Qingxi County Public Legal Service Centre",
            "清溪县人民路66号",
            "66 Renmin Road, Qingxi",
        ),
        "rongchuan",
    ),
    DemoSite(
        NewSite(
            "shiqiao",
            "town",
            "石桥镇公共法律服务工作站",
            "Shiqiao Town Public Legal Service Station",
            "石桥镇桥头街9号",
            "9 Qiaotou Street, Shiqiao",
        ),
        "qingxi",
    ),
    DemoSite(
        NewSite(
            "liuyin",
            "village",
            "柳荫村公共法律服务工作室",
            "Liuyin Village Public Legal Service Studio",
            "柳荫村村委会一楼",
            "Ground floor of the village committee, Liuyin",
        ),
        "shiqiao",
        kiosk=("柳荫村视频室", "Liuyin video room"),
    ),
    DemoSite(
        NewSite(
            "shangping",
            "village",
            "上坪村公共法律服务工作室",
            "Shangping Village Public Legal Service Studio",
            "上坪村文化礼堂旁",
            "Beside the culture hall, Shangping",
        ),
        "shiqiao",
        kiosk=("上坪村视频室", "Shangping video room"),
    ),
    DemoSite(
        NewSite(
            "yunling",
            "town",
            "云岭镇公共法律服务工作站",
            "Yunling Town Public Legal Service Station",
            "云岭镇政府大院西侧",
            "West side of the town hall, Yunling",
        ),
        "qingxi",
    ),
    DemoSite(
        NewSite(
            "chashan",
            "village",
            "茶山村公共法律服务工作室",
            "Chashan Village Public Legal Service Studio",
            "茶山村小学对面",
            "Opposite the primary school, Chashan",
        ),
        "yunling",
        kiosk=("茶山村视频室", "Chashan video room"),
    ),
    DemoSite(
        NewSite(
            "jiangbin",
            "sub_district",
            "江滨街道公共法律服务工作站",
            "Jiangbin Sub-district Public Legal Service Station",
            "江滨路102号",
            "102 Jiangbin Road",
        ),
        "rongchuan",
    ),
    DemoSite(
        NewSite(
            "rongyin",
            "residents",
            "榕荫社区公共法律服务客厅",
            "Rongyin Community Public Legal Service Parlour",
            "榕荫路7号",
            "7 Rongyin Road",
        ),
        "jiangbin",
        kiosk=("榕荫社区客厅终端", "Rongyin parlour kiosk"),
    ),
    DemoSite(
        NewSite(
            "rongchuan-park",
            "park",
            "榕川软件园公共法律服务窗口",
            "Rongchuan Software Park Legal Service Counter",
            "软件园3号楼大厅",
            "Hall of building 3, Software Park",
        ),
        "jiangbin",
        kiosk=("软件园服务大厅终端", "Software park hall kiosk"),
    ),
)

PEOPLE = (
    DemoPerson("li.wanqing", "李婉清", "Li Wanqing", Role.NOTARY),
    DemoPerson("zhao.kun", "赵堃", "Zhao Kun", Role.NOTARY),
    DemoPerson("zhou.yu", "周瑜宁", "Zhou Yuning", Role.NOTARY_ASSISTANT),
    DemoPerson("wang.jianguo", "王建国", "Wang Jianguo", Role.MEDIATOR),
    DemoPerson("zhang.yan", "张䶮", "Zhang Yan", Role.MEDIATOR),
    DemoPerson("chen.shufen", "陈淑芬", "Chen Shufen", Role.LAWYER),
    DemoPerson("liu.bin", "刘斌", "Liu Bin", Role.LAWYER),
    DemoPerson("sun.hui", "孙慧", "Sun Hui", Role.COORDINATOR),
    DemoPerson("he.min", "何敏", "He Min", Role.ADMINISTRATOR),
)
