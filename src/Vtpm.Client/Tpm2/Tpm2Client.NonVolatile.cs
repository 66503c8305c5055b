using System.Buffers.Binary;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>TPM 2.0 Part 3 §31: areas and counters in non-volatile memory, used by their own authorization.</content>
public sealed partial class Tpm2Client
{
    /// <summary><c>TPM2_NV_DefineSpace</c>, Part 3 §31.3, by the owner. The area's authorization is encrypted on its way.</summary>
    public void NvDefineSpace(Tpm2Session session, Tpm2AuthValue ownerAuth, Tpm2AuthValue areaAuth, TpmsNvPublic publicInfo)
    {
        ArgumentNullException.ThrowIfNull(areaAuth);
        Tpm2Request request = Begin(TpmCc.NvDefineSpace, Tpm2Entity.OfHandle(TpmRh.Owner));
        request.Sized(areaAuth.Span);
        request.SizedStructure(publicInfo);
        Execute(request, session, ownerAuth, Tpm2Encryption.Command);
    }

    /// <summary><c>TPM2_NV_UndefineSpace</c>, Part 3 §31.4, by the owner.</summary>
    public void NvUndefineSpace(Tpm2Session session, Tpm2AuthValue ownerAuth, Tpm2Entity area) =>
        Execute(Begin(TpmCc.NvUndefineSpace, Tpm2Entity.OfHandle(TpmRh.Owner), area), session, ownerAuth);

    /// <summary><c>TPM2_NV_ReadPublic</c>, Part 3 §31.6.</summary>
    public (Tpm2Entity Area, TpmsNvPublic Public) NvReadPublic(uint nvIndex)
    {
        (TpmsNvPublic area, byte[] name) = Execute(
            Begin(TpmCc.NvReadPublic, Tpm2Entity.OfHandle(nvIndex)),
            static (uint _, ref WireReader reader) => (SizedStructure<TpmsNvPublic>(ref reader), Sized(ref reader)));
        if (area.NvIndex != nvIndex || area.NameAlg.Size() == 0 || !area.ToName().AsSpan().SequenceEqual(name))
            throw new Tpm2IntegrityException(TpmCc.NvReadPublic, "the Name is not that of the area");
        return (new Tpm2Entity(nvIndex, name), area);
    }

    /// <summary><c>TPM2_NV_Write</c>, Part 3 §31.7. The data are encrypted on their way.</summary>
    public void NvWrite(Tpm2Session session, Tpm2AuthValue areaAuth, Tpm2Entity area, int offset, ReadOnlySpan<byte> data)
    {
        Tpm2Request request = Begin(TpmCc.NvWrite, area, area);
        request.Sized(data);
        request.UInt16((ushort)offset);
        Execute(request, session, areaAuth, Tpm2Encryption.Command);
    }

    /// <summary><c>TPM2_NV_Increment</c>, Part 3 §31.8.</summary>
    public void NvIncrement(Tpm2Session session, Tpm2AuthValue areaAuth, Tpm2Entity area) =>
        Execute(Begin(TpmCc.NvIncrement, area, area), session, areaAuth);

    /// <summary><c>TPM2_NV_Read</c>, Part 3 §31.13, from the area's beginning. The data are encrypted on their way; the caller zeroes them.</summary>
    public byte[] NvRead(Tpm2Session session, Tpm2AuthValue areaAuth, Tpm2Entity area, ushort size)
    {
        Tpm2Request request = Begin(TpmCc.NvRead, area, area);
        request.UInt16(size);
        request.UInt16(0);
        byte[] data = Execute(request, Sized, session, areaAuth, Tpm2Encryption.Response);
        return data.Length == size ? data : throw new Tpm2ProtocolException(TpmCc.NvRead, $"{data.Length} bytes, and {size} were asked for");
    }

    /// <summary>The value of a counter.</summary>
    public ulong NvReadCounter(Tpm2Session session, Tpm2AuthValue areaAuth, Tpm2Entity area) =>
        BinaryPrimitives.ReadUInt64BigEndian(NvRead(session, areaAuth, area, sizeof(ulong)));
}
