using System.Buffers.Binary;
using System.Text;
using Vtpm.Xen;
using Vtpm.Xen.Tests;

namespace Vtpm.Fuzz;

/// <summary>
/// A program of what a frontend, its toolstack and the clock do to a backend on the model of Xen: bytes of the page, nodes in xenstore,
/// notifications, requests that are answered at once or later. Nothing of it ends the backend, reaches another connection than its own, or keeps a
/// neighbour waiting.
/// </summary>
public sealed class TpmifTarget : IFuzzTarget
{
    private const int MostSteps = 300;

    private static readonly string[] Nodes = ["state", "ring-ref", "event-channel", "feature-protocol-v2"];

    public string Name => "tpmif";

    public void Run(ReadOnlySpan<byte> input)
    {
        using var machine = new TpmifMachine();
        var reader = new StepReader(input);
        for (int i = 0; i < MostSteps && !reader.IsAtEnd; i++)
        {
            byte step = reader.Byte();
            try
            {
                Do(machine, (Step)(step & 0x1F), ref reader);
            }
            catch (XenException)
            {
                // Xen refuses the frontend what it has no port or page for.
            }

            if ((step & 0x80) == 0) machine.Turn();
        }

        machine.End();
    }

    public IEnumerable<(string Name, byte[] Input)> Seeds()
    {
        byte[] open = [(byte)Step.Publish];
        byte[] ask = [(byte)Step.Ask, 20, 0, 0, 0];
        byte[] later = [(byte)Step.Ask, 20, 0, 1, 0];
        byte[] complete = [(byte)Step.Complete, 14, 0];
        byte[] close = State(5, 6);
        byte[] again = [.. State(1), (byte)Step.NewPage, .. open];
        yield return ("ask", [.. open, .. ask, .. ask]);
        yield return ("later", [.. open, .. later, (byte)Step.Kick, .. complete, .. later, .. complete]);
        yield return ("again", [.. open, .. ask, .. close, .. again, .. ask]);
        yield return ("again-later", [.. open, .. later, .. close, .. again, .. ask, .. complete, .. later, .. complete]);
        yield return ("dies", [.. open, .. later, (byte)Step.Die, .. complete, (byte)Step.Announce, .. open, .. ask]);
        byte[] gone = [.. State(6), (byte)Step.Remove, (byte)Step.Announce];
        yield return ("detach", [.. open, .. later, (byte)Step.Detach, .. complete, .. gone, .. open, .. ask]);
        yield return ("restart", [.. open, .. later, (byte)Step.Restart, .. ask, .. ask]);
        yield return ("pages", [.. open, (byte)Step.Grant, 0, (byte)Step.Ask, 0, 15, 1, 1, .. complete]);
        yield return ("header", [.. open, (byte)Step.Header, 255, 255, 255, 255, 1, 9, 255, (byte)Step.Kick, .. ask]);
        yield return ("bytes", [.. open, (byte)Step.Write, 0, 0, 8, 9, 0, 0, 0, 1, 0, 0, 0, (byte)Step.Kick, .. ask]);
        yield return ("nodes", [(byte)Step.Node, 1, 2, (byte)'-', (byte)'1', .. State(3), (byte)Step.RemoveNode, 3, .. State(3), .. open, .. ask]);
        yield return ("refused", [(byte)Step.Publish | 0x80, (byte)Step.Fault, 0, .. open, .. ask, (byte)Step.Fault, 2, .. ask]);
        yield return ("time", [.. open, (byte)Step.Kick, (byte)Step.Time, 100, 0, (byte)Step.Kick, .. ask]);

        static byte[] State(params byte[] states) => [.. states.SelectMany(state => (byte[])[(byte)Step.State, state])];
    }

    private static void Do(TpmifMachine machine, Step step, ref StepReader reader)
    {
        RawFrontend guest = machine.Guest;
        switch (step)
        {
            case Step.Write:
                int at = reader.Number() % 4096;
                ReadOnlySpan<byte> bytes = reader.Bytes(reader.Byte());
                bytes[..Math.Min(bytes.Length, 4096 - at)].CopyTo(guest.Page.Bytes.AsSpan(at));
                break;
            case Step.Header:
                reader.Bytes(4).CopyTo(guest.Page.Bytes);
                guest.State = reader.Byte();
                guest.Page.Bytes[5] = reader.Byte();
                guest.Page.Bytes[7] = reader.Byte();
                break;
            case Step.Ask:
                machine.Ask(reader.Number(), locality: reader.Byte(), extraPages: reader.Byte());
                break;
            case Step.Kick:
                guest.Kick();
                break;
            case Step.Node:
                string node = Nodes[reader.Byte() % Nodes.Length];
                guest.Set(node, Encoding.Latin1.GetString(reader.Bytes(reader.Byte())));
                break;
            case Step.State:
                guest.SetState(reader.Byte());
                break;
            case Step.Publish:
                guest.Publish();
                break;
            case Step.NewPage:
                machine.NewPage();
                break;
            case Step.Grant:
                machine.Grant(reader.Byte());
                break;
            case Step.RemoveNode:
                machine.RemoveNode(Nodes[reader.Byte() % Nodes.Length]);
                break;
            case Step.Complete:
                machine.Complete(reader.Number());
                break;
            case Step.Time:
                machine.Pass(TimeSpan.FromMilliseconds(reader.Number()));
                break;
            case Step.Detach:
                machine.Detach();
                break;
            case Step.Remove:
                machine.Remove();
                break;
            case Step.Announce:
                machine.Announce();
                break;
            case Step.Die:
                machine.Die();
                break;
            case Step.Restart:
                machine.Restart();
                break;
            case Step.Fault:
                machine.Refuse(reader.Byte());
                break;
            default:
                break;
        }
    }

    private enum Step : byte
    {
        Turn, Write, Header, Ask, Kick, Node, State, Publish, NewPage, Grant, RemoveNode, Complete, Time, Detach, Remove, Announce, Die, Restart,
        Fault,
    }

    /// <summary>What is missing at the end is zero.</summary>
    private ref struct StepReader(ReadOnlySpan<byte> input)
    {
        private ReadOnlySpan<byte> _left = input;

        public readonly bool IsAtEnd => _left.IsEmpty;

        public byte Byte() => IsAtEnd ? (byte)0 : Bytes(1)[0];

        public int Number()
        {
            Span<byte> number = stackalloc byte[2];
            Bytes(2).CopyTo(number);
            return BinaryPrimitives.ReadUInt16LittleEndian(number);
        }

        public ReadOnlySpan<byte> Bytes(int count)
        {
            ReadOnlySpan<byte> taken = _left[..Math.Min(count, _left.Length)];
            _left = _left[taken.Length..];
            return taken;
        }
    }
}
