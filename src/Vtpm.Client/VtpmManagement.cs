using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>
/// An administrator's side of the vTPM manager: one method a management command (tag 0x01C2; docs/manager-protocol.md). The link is the manager's
/// admin socket, or the TPM of a guest whose vTPM is an administrator: it passes the same messages on. Not for use by several threads at once.
/// </summary>
/// <remarks>
/// A method throws <see cref="VtpmManagerException"/> for a command that is refused, with what to do in its message, and
/// <see cref="TpmTransportException"/> when the link failed. Commands that are said to be ours no manager of Xen's has.
/// </remarks>
public sealed partial class VtpmManagement(ITpmConnection connection) : IDisposable
{
    /// <summary>More vTPMs than any image holds: what a manager says beyond it is not believed.</summary>
    private const int MostVtpms = 1 << 20;

    /// <summary>More groups than any image holds.</summary>
    private const uint MostGroups = 1 << 16;

    /// <summary>What Xen's ring carries of a message.</summary>
    private const int LongestMessage = 4088;

    private readonly VtpmManagerClient _client = new(connection);

    /// <summary><c>MANAGER_INFO</c>, ours: the manager, and what it can keep.</summary>
    public VtpmManagerInfoResponse ManagerInfo() => _client.Manage<NoParameters, VtpmManagerInfoResponse>(VtpmManagerOrdinal.ManagerInfo, default);

    /// <summary><c>MANAGER_PLATFORM</c>, ours: what the present values of these PCRs of the hardware are approved by. Every vTPM may ask.</summary>
    public VtpmManagerPlatformResponse ManagerPlatform(TpmPcrSelection pcrs) =>
        _client.Manage<TpmPcrSelection, VtpmManagerPlatformResponse>(VtpmManagerOrdinal.ManagerPlatform, pcrs);

    /// <summary><c>MANAGER_ROTATE</c>, ours: a new key for the manager's image.</summary>
    public void RotateManager() => _client.Manage(VtpmManagerOrdinal.ManagerRotate, []);

    /// <summary><c>MANAGER_ESCROW</c>, ours: what opens the manager's image without its hardware TPM, encrypted to group 0's authority.</summary>
    public ReadOnlyMemory<byte> Escrow() => _client.Manage<NoParameters, VtpmManagerEscrowResponse>(VtpmManagerOrdinal.ManagerEscrow, default).Escrow;

    public void Dispose() => _client.Dispose();

    private void Command<TRequest>(VtpmManagerOrdinal ordinal, TRequest request)
        where TRequest : struct, IWireStructure<TRequest> => _client.Manage<TRequest, NoParameters>(ordinal, request);

    private static TpmProtocolException Implausible(VtpmManagerOrdinal ordinal) =>
        new((TpmOrdinal)ordinal, $"more than a vTPM manager has, to VTPM_ORD_{ordinal}");

    /// <summary>Nothing on the wire.</summary>
    private struct NoParameters : IWireStructure<NoParameters>
    {
        public static void Describe<TCodec>(ref TCodec wire, ref NoParameters value)
            where TCodec : struct, IWireCodec, allows ref struct
        {
            // There is nothing to describe.
        }
    }
}
