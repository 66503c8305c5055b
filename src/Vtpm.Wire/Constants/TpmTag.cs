namespace Vtpm.Wire;

/// <summary><c>TPM_TAG</c>: the command tags of Part 2 §6, and those of Xen's vTPM manager.</summary>
public enum TpmTag : ushort
{
    RquCommand = 0x00C1,
    RquAuth1Command = 0x00C2,
    RquAuth2Command = 0x00C3,
    RspCommand = 0x00C4,
    RspAuth1Command = 0x00C5,
    RspAuth2Command = 0x00C6,

    /// <summary>VTPM_TAG_REQ: a vTPM's own command to its manager.</summary>
    VtpmReq = 0x01C1,

    /// <summary>VTPM_TAG_REQ2: a management command.</summary>
    VtpmReq2 = 0x01C2,

    /// <summary>VTPM_TAG_RSP: the manager's response to either.</summary>
    VtpmRsp = 0x01C4,
}
