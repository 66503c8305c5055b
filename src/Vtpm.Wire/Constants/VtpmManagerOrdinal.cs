namespace Vtpm.Wire;

/// <summary>
/// <c>VTPM_ORD_*</c>, the commands of Xen's vTPM manager: the first four under VTPM_TAG_REQ, the others under VTPM_TAG_REQ2. Those that no release
/// of the original ever implemented are said so; those with bit 15 set are ours. <c>docs/manager-protocol.md</c> has all layouts.
/// </summary>
public enum VtpmManagerOrdinal : uint
{
    None = 0,
    SaveHashKey = 1,
    LoadHashKey = 2,

    /// <summary>Answered with a digest.</summary>
    GetBootHash = 3,
    GetQuote = 4,

    /// <summary>Ours, with VTPM_TAG_REQ: for whom the connection is. On the socket of a backend domain, and there as the first command alone.</summary>
    Introduce = 0x00008001,
    GroupList = 0x02000101,
    GroupNew = 0x02000102,
    GroupDel = 0x02000103,
    GroupActivate = 0x02000104,
    GroupRegister = 0x02000105,
    GroupUpdate = 0x02000106,
    GroupShow = 0x02000107,

    /// <summary>Declared by the original, never implemented.</summary>
    GroupQuote = 0x02000108,

    /// <summary>Declared by the original, never implemented.</summary>
    GroupRecover1 = 0x02000109,

    /// <summary>Declared by the original, never implemented.</summary>
    GroupRecover2 = 0x0200010A,
    VtpmList = 0x02000201,

    /// <summary>No layout was ever defined; ours is.</summary>
    VtpmShow = 0x02000202,

    /// <summary>No layout was ever defined; ours is.</summary>
    VtpmEdit = 0x02000203,
    VtpmNew = 0x02000204,
    VtpmDel = 0x02000205,

    /// <summary>From here on: on the hardware TPM; no layout was ever defined; ours are.</summary>
    TpmMakeIdentity = 0x02000301,
    TpmActivateIdentity = 0x02000302,
    TpmReadPubek = 0x02000303,
    TpmNvDefineSpace = 0x02000304,
    TpmNvWriteValue = 0x02000305,
    TpmNvReadValue = 0x02000306,

    /// <summary>From here on ours. The manager and what it can keep.</summary>
    ManagerInfo = 0x02008001,

    /// <summary>A new key for the manager's image.</summary>
    ManagerRotate = 0x02008002,

    /// <summary>The composite hash that a platform is approved by, of the present PCRs. Of every vTPM, too.</summary>
    ManagerPlatform = 0x02008003,

    /// <summary>What opens the manager's image without its hardware TPM, for group 0's authority.</summary>
    ManagerEscrow = 0x02008004,

    /// <summary>A group, open or closed, with lists of any length.</summary>
    GroupInfo = 0x02008101,

    /// <summary>GROUP_UPDATE in parts.</summary>
    GroupUpdatePart = 0x02008102,

    /// <summary>New keys for a group.</summary>
    GroupRotate = 0x02008103,

    /// <summary>A new identity key for a group.</summary>
    GroupIdentity = 0x02008104,

    /// <summary>The state of a group is the right one, though an older one may have been put into the image.</summary>
    GroupAccept = 0x02008105,
}
