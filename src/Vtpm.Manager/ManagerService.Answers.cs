using System.Buffers.Binary;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>What a command is answered when it has ended.</content>
internal sealed partial class ManagerService
{
    /// <summary>Logs why a command does not succeed, and says what its answer is.</summary>
    public static TpmResult Explain(ManagerLog log, string what, Exception error)
    {
        switch (error)
        {
            case TpmCommandException refusal:
                log.Error($"{what}: the hardware TPM refuses: {refusal.Message}");
                return refusal.Result;
            case TpmException or IOException or ManagerException:
                log.Error($"{what}: {error.Message}");
                return TpmResult.IOError;
            default:
                // A defect of ours costs one command.
                log.Error($"{what}: answered TPM_FAIL: {error}");
                return TpmResult.Fail;
        }
    }

    private int Refuse(ManagerLink link, in TpmHeader header, TpmResult result, ReadOnlySpan<byte> request, Span<byte> response)
    {
        LogOf(link).Error($"{(link.Uuid is { } uuid ? $"vTPM {uuid}" : "administrator")}: {Name(header)} refused: TPM_{result}");
        return Failure(request, result, response);
    }

    private static int Answer(TpmResult result, int length, Span<byte> response)
    {
        var answer = new TpmHeader { Tag = TpmTag.VtpmRsp, ParamSize = (uint)(TpmHeader.Size + length), Code = (uint)result };
        var writer = new WireWriter(response);
        writer.Structure(ref answer);
        return TpmHeader.Size + length;
    }

    private static string Name(in TpmHeader header) => header.Tag switch
    {
        TpmTag.VtpmReq or TpmTag.VtpmReq2 => $"VTPM_ORD_{header.ManagerOrdinal}",
        TpmTag.RquCommand or TpmTag.RquAuth1Command or TpmTag.RquAuth2Command => $"TPM_ORD_{header.Ordinal}",
        _ => $"tag 0x{(int)header.Tag:x4}",
    };

    private static int Failure(ReadOnlySpan<byte> request, TpmResult result, Span<byte> response)
    {
        Span<byte> tag = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(tag, (ushort)TpmTag.RquCommand);
        return TpmMessage.WriteFailure(request.Length < sizeof(ushort) ? tag : request, result, response);
    }
}
