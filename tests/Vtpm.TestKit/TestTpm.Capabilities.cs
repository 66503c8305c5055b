using System.Buffers.Binary;
using Vtpm.Engine.Commands.Capability;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>TPM_GetCapability and TPM_SetCapability as clients call them.</content>
public sealed partial class TestTpm
{
    /// <summary>TPM_GetCapability; an error is an exception.</summary>
    public byte[] GetCapability(TpmCapability area, params byte[] subCap) =>
        Send(new GetCapability(), new GetCapabilityRequest { CapArea = area, SubCap = subCap }).Resp.ToArray();

    /// <summary>TPM_GetCapability with a subcap of four bytes.</summary>
    public byte[] GetCapability(TpmCapability area, uint subCap) => GetCapability(area, BigEndian(subCap));

    /// <summary>TPM_CAP_PROPERTY where the answer is a number.</summary>
    public uint GetProperty(TpmCapabilityProperty property) =>
        BinaryPrimitives.ReadUInt32BigEndian(GetCapability(TpmCapability.Property, (uint)property));

    public TpmResult TryGetCapability(TpmCapability area, params byte[] subCap) =>
        ResultOf(new GetCapability(), new GetCapabilityRequest { CapArea = area, SubCap = subCap });

    public TpmResult SetCapability(TpmSetCapability area, uint subCap, byte[] value, params TestAuth[] auths) =>
        ResultOf(new SetCapability(), new SetCapabilityRequest { CapArea = area, SubCap = BigEndian(subCap), SetValue = value }, auths);

    public static byte[] BigEndian(uint number)
    {
        byte[] bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }
}
