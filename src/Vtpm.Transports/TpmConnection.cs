using System.Net;
using System.Net.Sockets;

namespace Vtpm.Transports;

/// <summary>How patient a connection is.</summary>
public sealed record TpmConnectionOptions
{
    public static TpmConnectionOptions Default { get; } = new();

    /// <summary>For reaching the server. A Unix socket answers at once, unless its backlog is full.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// For a request to leave and its whole response to arrive: making a key takes hardware minutes, and other clients may be first in line.
    /// </summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>Opens links to a TPM.</summary>
public static class TpmConnection
{
    /// <exception cref="TpmTransportException">Nothing answers there, or it may not be opened; the message says what to do.</exception>
    public static ITpmConnection Open(TpmAddress address, TpmConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        options ??= TpmConnectionOptions.Default;
        return address.Kind switch
        {
            TpmAddressKind.Unix or TpmAddressKind.Tcp => new SocketConnection(address, Connect(address, options), options.ResponseTimeout),
            TpmAddressKind.Device => DeviceConnection.Open(address),
            _ => throw new TpmTransportException(TpmTransportFault.Unavailable,
                $"{address} can be opened only by the part of the program that made it"),
        };
    }

    /// <summary>Connects alone, to a Unix or TCP address: for a process that makes connections for others.</summary>
    /// <exception cref="TpmTransportException">As <see cref="Open"/>.</exception>
    public static Socket Connect(TpmAddress address, TpmConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        EndPoint[] endPoints = address.Kind switch
        {
            TpmAddressKind.Unix => [new UnixDomainSocketEndPoint(address.Name)],
            TpmAddressKind.Tcp => Resolve(address),
            _ => throw new TpmTransportException(TpmTransportFault.Unavailable, $"{address}: a connection can be made to unix:PATH or tcp:HOST:PORT"),
        };
        return SocketConnection.Connect(address, endPoints, options ?? TpmConnectionOptions.Default);
    }

    /// <summary>A link over a stream socket that is connected and blocking.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="options">How patient it is.</param>
    /// <param name="ownsSocket">Whether the end of the link closes the socket; else it stays the caller's.</param>
    public static ITpmConnection Over(Socket socket, TpmConnectionOptions? options = null, bool ownsSocket = false)
    {
        ArgumentNullException.ThrowIfNull(socket);
        string name = socket.RemoteEndPoint?.ToString() ?? "";
        var address = TpmAddress.Named("socket", name);
        return new SocketConnection(address, socket, (options ?? TpmConnectionOptions.Default).ResponseTimeout, ownsSocket);
    }

    /// <summary>The end points of a TCP address. A statically linked program resolves no names: numeric addresses never need that.</summary>
    internal static EndPoint[] Resolve(TpmAddress address)
    {
        if (IPAddress.TryParse(address.Name, out var numeric)) return [new IPEndPoint(numeric, address.Port)];
        if (address.Name == "localhost") return [new IPEndPoint(IPAddress.Loopback, address.Port)];
        try
        {
            return [.. Dns.GetHostAddresses(address.Name).Select(ip => new IPEndPoint(ip, address.Port))];
        }
        catch (SocketException e)
        {
            throw new TpmTransportException(TpmTransportFault.Unavailable,
                $"{address}: the host '{address.Name}' is not known; try its numeric address", e);
        }
    }
}
