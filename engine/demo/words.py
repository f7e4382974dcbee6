"""The demo's words in both languages."""

from engine.demo.state import Condition
from sensors.field.names import Text

CONDITION = {
    Condition.UNHEARD: Text(zh="未上线", en="not heard yet"),
    Condition.NORMAL: Text(zh="正常", en="normal"),
    Condition.INTEGRITY: Text(zh="数据异常", en="data integrity"),
    Condition.EARLY_WARNING: Text(zh="预警", en="early warning"),
    Condition.LEGAL: Text(zh="超标", en="exceedance"),
}

WORDS = {
    "scene": Text(zh="剧情", en="scene"),
    "no scene": Text(zh="一切正常，等待下一幕", en="all quiet until the next scene"),
    "sent": Text(zh="发送", en="sent"),
    "acknowledged": Text(zh="已确认", en="PUBACKed"),
    "in log": Text(zh="已入日志", en="in the log"),
    "decoded": Text(zh="已解码", en="decoded"),
    "refused": Text(zh="拒收", en="refused"),
    "readings": Text(zh="读数", en="readings"),
    "alerts": Text(zh="报警", en="alerts"),
    "pages": Text(zh="通知", en="pages"),
    "waiting": Text(zh="待处理记录", en="records waiting"),
    "more": Text(zh="另有{n}个排口，离限值更远", en="and {n} more, further from their limits"),
    "pages as they go out": Text(zh="发出的通知", en="Pages as they go out"),
    "none yet": Text(zh="（暂无）", en="(none yet)"),
    "starting": Text(zh="各监测设备正在上线", en="the monitors are connecting"),
}


def say(word: str, lang: str) -> str:
    """A word of the catalogue."""
    return WORDS[word].say(lang)
