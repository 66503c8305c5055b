using Vtpm.Wire;

namespace Vtpm.Engine.Commands.Cryptography;

/// <summary>
/// <c>TPM_CERTIFY_INFO</c> or <c>TPM_CERTIFY_INFO2</c>, Part 2 §11.1 and §11.2: TPM_CertifyKey answers the one or the other, told apart by the first
/// four bytes (a TPM_STRUCT_VER; or a tag, a fill byte and the payload type).
/// </summary>
public struct CertifyInfoEither : IWireStructure<CertifyInfoEither>
{
    private const uint Version11 = 0x01010000;
    private const uint Tag2 = (uint)TpmStructureTag.CertifyInfo2 << 16;

    /// <summary>True when <see cref="Info2"/> is meant, and not <see cref="Info"/>.</summary>
    public bool IsInfo2;
    public TpmCertifyInfo Info;
    public TpmCertifyInfo2 Info2;

    public CertifyInfoEither(in TpmCertifyInfo info) => Info = info;

    public CertifyInfoEither(in TpmCertifyInfo2 info2)
    {
        Info2 = info2;
        IsInfo2 = true;
    }

    public static void Describe<TCodec>(ref TCodec wire, ref CertifyInfoEither value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        uint head = value.IsInfo2 ? Tag2 | (uint)value.Info2.PayloadType : Version11;
        wire.UInt32(ref head);
        value.IsInfo2 = head >> 8 == Tag2 >> 8;
        if (value.IsInfo2)
        {
            value.Info2.PayloadType = (TpmPayloadType)(byte)head;
            TpmCertifyInfo2.DescribeFields(ref wire, ref value.Info2);
            return;
        }

        if (head >> 16 != Version11 >> 16) wire.Fault(TpmResult.BadVersion);
        TpmCertifyInfo.DescribeFields(ref wire, ref value.Info);
    }
}
