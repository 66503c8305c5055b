using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>Part 3 §20, the other authorizations of the same commands.</content>
public sealed partial class TpmClient
{
    /// <summary>
    /// <c>TPM_NV_DefineSpace</c>, Part 3 §20.1, of TPM_NV_INDEX_LOCK: from now on areas are guarded by what they ask for, for good.
    /// </summary>
    public void NvLock()
    {
        TpmRequest request = Begin(TpmOrdinal.NvDefineSpace);
        TpmPcrInfoShort anything = new() { PcrSelection = TpmPcrSelection.Of(), LocalityAtRelease = TpmLocalitySelection.All };
        request.Structure(new TpmNvDataPublic { NvIndex = TpmNvIndex.Lock, PcrInfoRead = anything, PcrInfoWrite = anything });
        request.Structure(default(TpmAuthData));
        Execute(request);
    }

    /// <summary><c>TPM_NV_WriteValue</c>, Part 3 §20.2, of an area that does not ask for the owner.</summary>
    public void NvWriteValue(uint nvIndex, uint offset, ReadOnlySpan<byte> data)
    {
        TpmRequest request = Begin(TpmOrdinal.NvWriteValue);
        request.UInt32(nvIndex);
        request.UInt32(offset);
        request.Sized32(data);
        Execute(request);
    }

    /// <summary><c>TPM_NV_ReadValue</c>, Part 3 §20.4, by the owner. What was read may be secret: it is the caller's to zero.</summary>
    public byte[] NvReadValue(uint nvIndex, uint offset, uint dataSize, TpmSession ownerAuth)
    {
        TpmRequest request = Begin(TpmOrdinal.NvReadValue);
        request.UInt32(nvIndex);
        request.UInt32(offset);
        request.UInt32(dataSize);
        return Execute(request, Sized32, 0, ownerAuth);
    }
}
