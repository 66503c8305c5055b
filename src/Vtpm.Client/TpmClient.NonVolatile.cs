using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>Part 3 §20 (NV storage) and §25 (monotonic counters).</content>
public sealed partial class TpmClient
{
    /// <summary>
    /// <c>TPM_NV_DefineSpace</c>, Part 3 §20.1, by the owner: <paramref name="ownerAuth"/> is an OSAP session for the owner, under which the area's
    /// secret
    /// travels. An area of no bytes is released.
    /// </summary>
    public void NvDefineSpace(TpmNvDataPublic pubInfo, TpmSession ownerAuth, TpmSecret areaSecret)
    {
        ArgumentNullException.ThrowIfNull(ownerAuth);
        ArgumentNullException.ThrowIfNull(areaSecret);
        TpmRequest request = Begin(TpmOrdinal.NvDefineSpace);
        request.Structure(pubInfo);
        request.Structure(ownerAuth.Encrypt(areaSecret));
        Execute(request, ownerAuth);
    }

    /// <summary><c>TPM_NV_WriteValue</c>, Part 3 §20.2, by the owner.</summary>
    public void NvWriteValue(uint nvIndex, uint offset, ReadOnlySpan<byte> data, TpmSession ownerAuth)
    {
        TpmRequest request = Begin(TpmOrdinal.NvWriteValue);
        request.UInt32(nvIndex);
        request.UInt32(offset);
        request.Sized32(data);
        Execute(request, ownerAuth);
    }

    /// <summary>
    /// <c>TPM_NV_WriteValueAuth</c>, Part 3 §20.3: an area that has a secret of its own, which <paramref name="areaAuth"/> is a session for.
    /// </summary>
    public void NvWriteValueAuth(uint nvIndex, uint offset, ReadOnlySpan<byte> data, TpmSession areaAuth)
    {
        TpmRequest request = Begin(TpmOrdinal.NvWriteValueAuth);
        request.UInt32(nvIndex);
        request.UInt32(offset);
        request.Sized32(data);
        Execute(request, areaAuth);
    }

    /// <summary><c>TPM_NV_ReadValue</c>, Part 3 §20.4, of an area that asks for no authorization.</summary>
    public byte[] NvReadValue(uint nvIndex, uint offset, uint dataSize)
    {
        TpmRequest request = Begin(TpmOrdinal.NvReadValue);
        request.UInt32(nvIndex);
        request.UInt32(offset);
        request.UInt32(dataSize);
        return Execute(request, Sized32);
    }

    /// <summary><c>TPM_NV_ReadValueAuth</c>, Part 3 §20.5. What was read may be secret: it is the caller's to zero.</summary>
    public byte[] NvReadValueAuth(uint nvIndex, uint offset, uint dataSize, TpmSession areaAuth)
    {
        TpmRequest request = Begin(TpmOrdinal.NvReadValueAuth);
        request.UInt32(nvIndex);
        request.UInt32(offset);
        request.UInt32(dataSize);
        return Execute(request, Sized32, 0, areaAuth);
    }

    /// <summary><c>TPM_CreateCounter</c>, Part 3 §25.1; <paramref name="ownerAuth"/> is an OSAP session for the owner.</summary>
    public (uint CountId, TpmCounterValue CounterValue) CreateCounter(TpmSession ownerAuth, TpmSecret counterSecret, uint label)
    {
        ArgumentNullException.ThrowIfNull(ownerAuth);
        ArgumentNullException.ThrowIfNull(counterSecret);
        TpmRequest request = Begin(TpmOrdinal.CreateCounter);
        request.Structure(ownerAuth.Encrypt(counterSecret));
        request.UInt32(label);
        return Execute(request, static (ref WireReader reader) => (UInt32(ref reader), Structure<TpmCounterValue>(ref reader)), 0, ownerAuth);
    }

    /// <summary><c>TPM_IncrementCounter</c>, Part 3 §25.2.</summary>
    public TpmCounterValue IncrementCounter(uint countId, TpmSession counterAuth)
    {
        TpmRequest request = Begin(TpmOrdinal.IncrementCounter);
        request.UInt32(countId);
        return ExecuteFor<TpmCounterValue>(request, counterAuth);
    }

    /// <summary><c>TPM_ReadCounter</c>, Part 3 §25.3.</summary>
    public TpmCounterValue ReadCounter(uint countId)
    {
        TpmRequest request = Begin(TpmOrdinal.ReadCounter);
        request.UInt32(countId);
        return ExecuteFor<TpmCounterValue>(request);
    }
}
